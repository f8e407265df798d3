import { PipelineError } from '../../domain/failures/failures.ts';

/**
 * Migrations that described the program's own tables step by step until version 0.2.0, which was the first to be
 * released: its migrations describe the same tables as they then were. These names are never used again.
 */
const supersededMigrations: ReadonlySet<string> = new Set([
  '000004_intake',
  '000009_addressed_payloads',
  '000010_failures',
  '000020_ledger',
  '000021_staging',
  '000022_label_days',
  '000023_validation',
  '000024_adoption',
  '000025_growth',
  '000026_live_hours',
  '000028_claim_hours',
  '000029_left_out_values',
  '000031_expired_rows',
  '000033_label_bounds',
  '000034_staging_autovacuum',
  '000036_node_days',
]);

/** The version that applied them. */
export const supersededVersion = '0.1.0';

/**
 * Refuse to work on a schema that predates the first release.
 *
 * @param applied names of the migrations that the schema has, in order
 * @throws PipelineError `SchemaSuperseded`
 */
export function assertNotSuperseded(schema: string, applied: readonly string[]): void {
  const newest = applied.findLast((name) => supersededMigrations.has(name));
  if (newest === undefined) return;
  throw new PipelineError(
    'SchemaSuperseded',
    `Schema "${schema}" was created by ocp-pipeline ${supersededVersion}, before the first release (it has ` +
      `migration ${newest}), and cannot be migrated to this version; create a new database, set DATABASE_URL to it ` +
      'and ingest the payloads again',
  );
}
