import type { PoolClient } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';

/** A source as a payload or a rebuild identifies it. */
export interface KnownSource {
  schema: string;
  sourceUuid: string;
  /** used in the command that registers it again, if known */
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
      ? `source ${sourceUuid} is registered, but not in schema ${schema}: the schema was dropped or recreated, and ` +
          `its data are gone. Register the cluster again, then ingest or replay its payloads: ${register}`
      : `source ${sourceUuid} was deleted during the run. If it should be summarised, register it again, ` +
          `then replay the payload: ${register}`,
    { details: { schema, sourceUuid } },
  );
}

/** What a run has loaded before is no longer in the ledger. */
export function ledgerVanished(what: string, schema: string): PipelineError {
  return new PipelineError(
    'SourceVanished',
    `${what} is not in the ledger of schema ${schema}: the source or the schema was deleted during the run. ` +
      'Make sure that the cluster is registered (ocp-pipeline source list), then replay the payload from its start: ' +
      'ocp-pipeline replay MANIFEST',
    { details: { schema } },
  );
}

/**
 * Why a manifest could not be inserted into the ledger: its id belongs to another one there, or the inserted row is
 * gone.
 */
export async function manifestIdTaken(
  client: PoolClient,
  { schema, sourceUuid, manifestUuid }: { schema: string; sourceUuid: string; manifestUuid: string },
): Promise<PipelineError> {
  const { rows } = await client.query<{ id: number; other: string; greatest: number }>(
    `select registered.id, known.manifest_uuid::text as other, (select max(manifest_id) from ocp_manifest) as greatest
     from public.reporting_common_costusagereportmanifest as registered
     join ocp_manifest as known on known.manifest_id = registered.id
     where registered.provider_id = $1 and registered.assembly_id = $2`,
    [sourceUuid, manifestUuid],
  );
  const taken = rows[0];
  if (taken === undefined) return ledgerVanished(`manifest ${manifestUuid}`, schema);
  const { id, other, greatest } = taken;
  return new PipelineError(
    'ManifestIdTaken',
    `public.reporting_common_costusagereportmanifest assigned manifest ${manifestUuid} the id ${id}, which the ledger of schema ` +
      `${schema} already uses for manifest ${other}: the two were restored from different points in time. Advance the sequence past the ledger, then ` +
      `decide "retry": select setval(pg_get_serial_sequence('public.reporting_common_costusagereportmanifest', 'id'), ${greatest})`,
    { details: { schema, id, greatest } },
  );
}
