import { MockActivityEnvironment } from '@temporalio/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { aggregateDays } from '../../activities/aggregate-days.ts';
import { validateDays } from '../../activities/validate-days.ts';
import type { ValidateDaysResult } from '../../activities/validate-days.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { setTagKeys } from '../../summary/tag-keys.ts';
import { mapTags } from '../../summary/tag-mapping.ts';
import { listValidationWarnings } from '../../summary/validation-warnings.ts';
import { payloadPath } from '../support/fixtures.ts';
import { goldenEnabledKeys } from '../support/golden.ts';
import { createTestPipeline } from '../support/pipeline.ts';
import type { TestPipeline } from '../support/pipeline.ts';
import { applyTags, dependenciesOf, month } from './labelled-days.ts';

describe.for(['koku', 'design'] as const)('the sample payload, profile %s', (rules) => {
  let pipeline: TestPipeline;
  let sourceUuid: string;

  beforeAll(async () => {
    pipeline = await createTestPipeline({ OCP_RULES: rules });
    const { pool, schema } = pipeline.database;
    sourceUuid = await pipeline.addSource('my-ocp-cluster-small', 'small-onprem');
    await setTagKeys(pool, schema, await goldenEnabledKeys('small'), true);
    await pipeline.ingest(payloadPath('nise-small'));
  });

  /** Validate whatever is behind. */
  async function validate(): Promise<ValidateDaysResult> {
    const input = { schema: pipeline.database.schema, sourceUuid, month };
    return new MockActivityEnvironment().run(() => validateDays(dependenciesOf(pipeline.database), input));
  }

  /** Days of the ledger, and how many of them have warnings or no validation of their present version. */
  async function ledger(): Promise<{ days: number; behind: number; warnings: number }> {
    const { pool, schema } = pipeline.database;
    const counts = await inTenantTransaction(pool, schema, (client) =>
      client.query<{ days: number; behind: number }>(
        `select count(*) as days, count(*) filter (where validated_version is distinct from version) as behind
         from ocp_day where source_uuid = $1`,
        [sourceUuid],
      ),
    );
    const warnings = await listValidationWarnings(pool, schema, { limit: 100 });
    return { days: 0, behind: 0, ...counts.rows[0], warnings: warnings.length };
  }

  test('every day agrees with staging', async () => {
    await validate();
    const found = await ledger();
    expect(found.days).toBeGreaterThan(0);
    expect(found).toMatchObject({ behind: 0, warnings: 0 });
  });

  test('renaming label keys by a tag mapping changes no number of rows', async () => {
    const { pool, schema } = pipeline.database;
    await mapTags(pool, schema, 'app', ['application']);
    const deps = dependenciesOf(pipeline.database, { OCP_RULES: rules });
    const { days } = await ledger();
    const built = await new MockActivityEnvironment().run(() =>
      aggregateDays(deps, { schema, sourceUuid, month }),
    );
    expect(built).toMatchObject({ outcome: 'done', dayCount: days });
    await applyTags(pipeline.database, sourceUuid);
    expect(await validate()).toEqual({ outcome: 'done', dayCount: days, warningCount: 0 });
  });
});
