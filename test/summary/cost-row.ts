import { randomUUID } from 'node:crypto';
import type { StagedSource } from '../support/staging-fixture.ts';

const dailySummary = 'reporting_ocpusagelineitem_daily_summary';

/** Add a row to the daily summary as the cost model or a cloud bill writes it; columns that are not given are NULL. */
export async function addCostRow(
  source: StagedSource,
  day: string,
  columns: Record<string, unknown>,
): Promise<void> {
  await source.query(
    `insert into ${dailySummary} select (jsonb_populate_record(null::${dailySummary}, $1)).*`,
    [
      JSON.stringify({
        uuid: randomUUID(),
        report_period_id: source.reportPeriodId,
        cluster_id: source.clusterId,
        cluster_alias: 'alias',
        source_uuid: source.sourceUuid,
        usage_start: day,
        usage_end: day,
        ...columns,
      }),
    ],
  );
}

/** Give the source a cost model without rates. @returns its uuid */
export async function addCostModel(source: StagedSource, distribution: 'cpu' | 'memory'): Promise<string> {
  const model = randomUUID();
  await source.query(
    `insert into cost_model (uuid, name, description, source_type, created_timestamp, updated_timestamp, rates, markup,
         distribution, currency, distribution_info)
     values ($1, 'model', '', 'OCP', now(), now(), '[]', '{}', $2, 'USD', '{}')`,
    [model, distribution],
  );
  await source.query('insert into cost_model_map (provider_uuid, cost_model_id) values ($1, $2)', [
    source.sourceUuid,
    model,
  ]);
  return model;
}
