import { maxNamesInHistory } from '../domain/run/run.ts';
import type { BillingMonth } from '../domain/time/usage-day.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import type { ActivityDependencies } from '../platform/runtime/dependencies.ts';
import { ledgerVanished } from '../summary/require-source.ts';

export interface CompleteManifestInput {
  schema: string;
  manifestId: number;
  /** the waiting time is over: release the manifest as it is */
  giveUpWaiting: boolean;
}

export interface CompleteManifestResult {
  release?: 'complete' | 'timeout';
  /** months of all its archives */
  months: BillingMonth[];
  waitingCount: number;
  /** at most five file names */
  waitingFor: string[];
  /** files of the manifest that some archive has brought; missing from activities of older workers */
  arrivedCount?: number;
  /** files that no archive has brought, and the names of the first ones */
  neverCame?: { fileCount: number; names: string[] };
}

const sql = {
  settle: loadSql('intake/settle_files.sql'),
  unsettled: loadSql('intake/unsettled_files.sql'),
  release: loadSql('intake/release_manifest.sql'),
  months: loadSql('intake/manifest_months.sql'),
};

/**
 * Release a manifest for aggregation once every file that it lists is settled: loaded, empty, of unknown kind, failed
 * or skipped. Its files may arrive in several archives, each with its own run; whichever run asks last finds the
 * manifest complete.
 * Rerun: a release is never undone.
 */
export async function completeManifest(
  deps: ActivityDependencies,
  input: CompleteManifestInput,
): Promise<CompleteManifestResult> {
  return inTenantTransaction(deps.pool, input.schema, async (client) => {
    // One run at a time per manifest: two archives that settle their last files concurrently must not both miss it.
    await client.query('select 1 from ocp_manifest where manifest_id = $1 for update', [input.manifestId]);
    await client.query(sql.settle, [input.manifestId]);
    const unsettled = await client.query<{ file_name: string; state: string }>(sql.unsettled, [
      input.manifestId,
    ]);
    const files = await client.query<{ arrived: number }>(
      `select count(*) filter (where state <> 'awaited') as arrived from ocp_file where manifest_id = $1`,
      [input.manifestId],
    );
    const months = await client.query<{ billing_month: BillingMonth }>(sql.months, [input.manifestId]);
    const waitingFor = unsettled.rows.map((row) => row.file_name);
    const awaited = unsettled.rows.filter((row) => row.state === 'awaited').map((row) => row.file_name);
    const result = {
      months: months.rows.map((row) => row.billing_month),
      waitingCount: waitingFor.length,
      waitingFor: waitingFor.slice(0, 5),
      arrivedCount: files.rows[0]?.arrived ?? 0,
      neverCame: { fileCount: awaited.length, names: awaited.slice(0, maxNamesInHistory) },
    };
    if (waitingFor.length > 0 && !input.giveUpWaiting) return result;
    const { rows } = await client.query<{ release: 'complete' | 'timeout' }>(sql.release, [
      input.manifestId,
      waitingFor.length === 0 ? 'complete' : 'timeout',
    ]);
    const release = rows[0]?.release;
    if (release === undefined) throw ledgerVanished(`manifest ${input.manifestId}`, input.schema);
    return { ...result, release };
  });
}
