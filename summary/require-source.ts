import type { PoolClient } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';

/** A source as a payload or a rebuild knows it. */
export interface KnownSource {
  schema: string;
  sourceUuid: string;
  /** named in the command that registers it again, where it is known */
  clusterId?: string;
  clusterAlias?: string;
}

/**
 * Make sure, in the transaction that is about to write, that the source is still registered, in `public` and in its
 * tenant's schema. Somebody may have deleted it, or the whole schema, since the run started: then keys and references
 * would fail on every attempt.
 *
 * @throws PipelineError `SourceVanished` (not retried) with the command that registers it again
 */
export async function requireSource(client: PoolClient, source: KnownSource): Promise<void> {
  const { schema, sourceUuid } = source;
  const { rows } = await client.query<{ registered: boolean; org_id: string | null }>(
    `select
         exists (select from public.api_provider where uuid = $1) as registered,
         (select org_id from public.api_customer where schema_name = $2 order by id limit 1) as org_id
     where not exists (select from public.api_provider where uuid = $1)
         or not exists (select from reporting_tenant_api_provider where uuid = $1)`,
    [sourceUuid, schema],
  );
  const missing = rows[0];
  if (missing === undefined) return;
  const register =
    `ocp-pipeline source add --org ${missing.org_id ?? 'ORG'} --cluster ${source.clusterId ?? 'CLUSTER'} ` +
    `--name ${JSON.stringify(source.clusterAlias ?? 'ALIAS')}`;
  throw new PipelineError(
    'SourceVanished',
    missing.registered
      ? `source ${sourceUuid} is registered, but schema ${schema} does not know it: the schema was dropped or made anew, and ` +
          `what it held is gone. Register the cluster again, then ingest or replay its payloads: ${register}`
      : `source ${sourceUuid} was deleted while the run was under way. Should it be summarised, register it again, ` +
          `then replay the payload: ${register}`,
    { details: { schema, sourceUuid } },
  );
}

/** What a run has loaded before is not in the ledger any more. */
export function ledgerVanished(what: string, schema: string): PipelineError {
  return new PipelineError(
    'SourceVanished',
    `${what} is not in the ledger of schema ${schema}: the source or the schema was deleted while the run was under way. ` +
      'See that the cluster is registered (ocp-pipeline source list), then replay the payload from its start: ' +
      'ocp-pipeline replay MANIFEST',
    { details: { schema } },
  );
}
