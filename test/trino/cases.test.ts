import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { resolveFailureUpdate } from '../../workflows/messages.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { untilBlocked } from '../workflows/operator/temporal-ui.ts';
import { trinoEnvironment } from './lake.ts';

/*
 * Payloads made after reports of people who do this job, each with the one number that was wrong for them. Rules: koku.
 */
let pipeline: TestPipeline;

beforeAll(async () => {
  const environment = { ...(await trinoEnvironment()), OCP_RULES: 'koku', OCP_POSTGRES_PIPELINE: 'false' };
  pipeline = await createTestPipeline(environment);
});

const daily = 'reporting_ocpusagelineitem_daily_summary';
const claims = `
  select concat_ws(' ',
      round(sum(volume_request_storage_gigabyte_months), 6),
      round(sum(persistentvolumeclaim_usage_gigabyte_months), 6),
      round(sum(persistentvolumeclaim_capacity_gigabyte_months), 6)
  ) as answer
  from ${daily} where data_source = 'Storage' and source_uuid = $1`;
const cores = `
  select round(sum(pod_usage_cpu_core_hours), 6)::text as answer
  from ${daily} where data_source = 'Pod' and namespace not like '%unallocated' and source_uuid = $1`;

const cases = [
  {
    what: 'the claim of a pod that was drained at noon counts once an hour',
    payloads: ['moved-claim'],
    clusterId: 'c01-moved',
    sql: claims,
    // 50, 25 and 100 GiB for one of 31 days
    answer: '1.612903 0.806452 3.225806',
  },
  {
    what: 'a claim of two pods on one node counts once an hour',
    payloads: ['shared-claim'],
    clusterId: 'c01-two',
    sql: claims,
    answer: '1.612903 0.806452 3.225806',
  },
  {
    what: 'claims without a volume name are not one claim',
    payloads: ['blank-volumes'],
    clusterId: 'c12-claims',
    sql: `
      select string_agg(concat(claim, '=', round(request, 6)), ' ' order by claim) as answer
      from (
          select persistentvolumeclaim as claim, sum(volume_request_storage_gigabyte_months) as request
          from ${daily} where persistentvolumeclaim in ('claim-a', 'claim-b') and source_uuid = $1 group by 1
      ) as claims`,
    // 10 GiB for one of 31 days
    answer: 'claim-a=0.322581 claim-b=0.322581',
  },
  {
    what: 'a number is read in every way that operators write it, or its row is rejected',
    payloads: ['odd-numbers'],
    clusterId: 'c05-numbers',
    sql: `
      select string_agg(concat(namespace, '=', used, '/', most), ' ' order by namespace collate "C") as answer
      from (
          select namespace, trim_scale(round(sum(pod_usage_cpu_core_hours), 4)) as used,
              trim_scale(round(sum(pod_limit_cpu_core_hours), 4)) as most
          from ${daily} where namespace like 'odd-%' and source_uuid = $1 group by 1
      ) as odd`,
    // 24 hours of 0.5 core-hours used of a limit of 1; one hour has the odd number, or its row is missing
    answer:
      'odd-big=11.5/23 odd-comma=11.5/23 odd-hex=11.5/23 odd-inf-limit=11.5/23 odd-nan-limit=12/23 odd-nan-use=11.5/24 ' +
      'odd-neg=11/24 odd-neg0=11.5/24 odd-nilgo=12/23 odd-null=12/23 odd-plus=12/24 odd-sci=12/24 odd-space=12/24 ' +
      'odd-tiny=11.5/24 odd-under=11.5/23',
  },
  {
    what: 'a column of NaN leaves the others alone',
    payloads: ['nan-column'],
    clusterId: 'c05b-nan',
    sql: cores,
    // 5 pods, 24 hours of 0.5 core-hours
    answer: '60.000000',
  },
  {
    what: 'an operator that was downgraded adds to the hours of the newer one',
    payloads: ['downgraded-1', 'downgraded-2', 'downgraded-3'],
    clusterId: 'c08-down',
    sql: cores,
    answer: '12.000000',
  },
  {
    what: 'an operator that was reinstalled at noon completes the day',
    payloads: ['reinstalled-1', 'reinstalled-2'],
    clusterId: 'c08-half',
    sql: cores,
    answer: '12.000000',
  },
  {
    what: 'control-plane is a master',
    payloads: ['node-roles'],
    clusterId: 'c09-role',
    sql: `
      select string_agg(concat(node, '=', split_part(namespace, ' ', 1)), ' ' order by node collate "C") as answer
      from ${daily} where namespace like '%unallocated' and source_uuid = $1`,
    answer:
      'n-Master=Worker n-blank=Worker n-cp=Platform n-edge=Worker n-infra=Platform n-master=Platform n-storage=Worker ' +
      'n-worker=Worker',
  },
  {
    what: 'a day that is sent again with most numbers missing is not less than it was',
    payloads: ['half-day', 'spoilt-whole-day'],
    clusterId: 'c26-small',
    sql: `
      select round(sum(persistentvolumeclaim_usage_gigabyte_months), 6)::text as answer
      from ${daily} where source_uuid = $1`,
    // 100 GiB for one of 31 days
    answer: '3.225806',
  },
  {
    what: 'a member of the archive named ./x.csv is the listed x.csv',
    payloads: ['dot-slash-member'],
    clusterId: 'c14',
    sql: cores,
    answer: '12.000000',
  },
  {
    what: 'of a payload with days of a month that is no longer kept, the others are summarised',
    payloads: ['expired-days'],
    clusterId: 'c15-old',
    sql: `
      select concat_ws(' ', string_agg(distinct usage_start::text, ' '), (
          select count(*) from reporting_ocpusagereportperiod where report_period_start < '2026-08-01'
      )) as answer
      from ${daily} where source_uuid = $1`,
    // 30 July to 1 August; no report period of July
    answer: '2026-08-01 0',
  },
];

const pathOf = (name: string) => fileURLToPath(new URL(`../fixtures/cases/${name}.tar.gz`, import.meta.url));

async function answerOf(sql: string, sourceUuid: string): Promise<object[]> {
  const { pool, schema } = pipeline.database;
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<object>(sql, [sourceUuid]),
  );
  return rows;
}

// Of clusters of their own, so at the same time.
test.concurrent.for(cases)('$what', async ({ payloads, clusterId, sql, answer }, { expect }) => {
  const sourceUuid = await pipeline.addSource(clusterId);
  for (const name of payloads)
    expect(await pipeline.ingest(pathOf(name))).toMatchObject({ outcome: 'completed' });
  expect(await answerOf(sql, sourceUuid)).toEqual([{ answer }]);
});

test.concurrent('a file of which every row lacks its last field fails', async ({ expect }) => {
  const sourceUuid = await pipeline.addSource('c25-short');
  const { handle } = await pipeline.start({ payload: pathOf('short-rows') });
  const failure = await untilBlocked(handle);
  expect(failure).toMatchObject({ step: 'splitPayload', errorType: 'TooManyRejectedRows' });
  expect(failure.message).toContain('24 of 24 rows are invalid');
  await handle.executeUpdate(resolveFailureUpdate, {
    args: [{ failureId: failure.failureId, action: 'abandon' }],
  });
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'TooManyRejectedRows' } });
  const sql = `select count(*) from ${daily} where source_uuid = $1`;
  expect(await answerOf(sql, sourceUuid)).toEqual([{ count: 0 }]);
});

test('none of it was computed by PostgreSQL', async () => {
  const { pool, schema } = pipeline.database;
  const { rows } = await pool.query<{ engine: string }>(
    `select distinct engine from ${schema}.ocp_source_month`,
  );
  expect(rows).toEqual([{ engine: 'trino' }]);
});
