import type { Pool } from 'pg';
import type { EngineName } from '../platform/config/config.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { tenantsWithTables } from '../platform/migrations/tenant-schemas.ts';

/** One manifest and its progress. */
export interface ManifestStatus {
  manifestId: number;
  sourceUuid: string;
  manifestUuid: string;
  orgId: string;
  schema: string;
  clusterId: string;
  clusterAlias: string;
  /** ISO 8601, UTC */
  manifestDate: string;
  fileCount: number;
  settledFileCount: number;
  pieceCount: number;
  loadedPieceCount: number;
  rowCount: number;
  rejectedRowCount: number;
  leftOutCount: number;
  /** completed, …; unfinished until a run has summarised it: Temporal knows whether one is in progress */
  state: string;
}

/** Files and pieces of a manifest. */
export interface ManifestDetail {
  files: {
    fileName: string;
    reportKind: string | null;
    state: string;
    rowCount: number;
    rejectedRowCount: number;
    /** left out because their month is no longer kept */
    expiredRowCount: number;
    rejectsKey: string | null;
    /** values left out of accepted rows, by column */
    leftOutCounts: Record<string, number>;
    leftOutKey: string | null;
    warnings: string[];
    message: string | null;
  }[];
  pieces: {
    usageDay: string;
    reportKind: string;
    hours: number;
    rowCount: number;
    /** registered, staged, swept (not in staging, whether it ever was or not), failed or abandoned */
    state: string;
    /** whether its present content is a file that Trino reads */
    inLake: boolean;
    /** engine that its month is on; null until a summary decides it */
    engine: EngineName | null;
    /** live if at least one hour counts, superseded, or null until an aggregation has decided */
    generation: string | null;
    /** UTC hours that the summary of the day is built from */
    liveHours: number[];
    /** UTC hours in which a row starts */
    hoursWithRows: number;
    processedAt: string | null;
  }[];
}

/** A payload that was refused or whose run failed. */
export interface IngestFailure {
  orgId: string;
  requestId: string;
  errorType: string;
  reason: string;
  /** ISO 8601, UTC */
  failedAt: string;
  /** outcome: completed, ignored, abandoned, dismissed or unknown; null while nobody has replayed it */
  resolution: string | null;
}

const sql = {
  manifests: loadSql('status/manifests.sql'),
  files: loadSql('status/manifest_files.sql'),
  pieces: loadSql('status/manifest_pieces.sql'),
};

/** The latest manifests, newest registration first, over all tenants or one. */
export async function listManifests(
  pool: Pool,
  filter: { orgId?: string; uuidPrefix?: string; limit: number },
): Promise<ManifestStatus[]> {
  const found: { registeredAt: Date; manifest: ManifestStatus }[] = [];
  for (const { orgId, schema } of await tenantsWithTables(pool, { orgId: filter.orgId })) {
    const { rows } = await inTenantTransaction(pool, schema, (client) =>
      client.query<Omit<ManifestStatus, 'orgId' | 'schema'> & { registeredAt: Date }>(sql.manifests, [
        filter.uuidPrefix ?? '',
        filter.limit,
      ]),
    );
    for (const { registeredAt, ...row } of rows)
      found.push({ registeredAt, manifest: { ...row, orgId, schema } });
  }
  return found
    .sort((a, b) => b.registeredAt.getTime() - a.registeredAt.getTime())
    .slice(0, filter.limit)
    .map(({ manifest }) => manifest);
}

/** Files and pieces of one manifest. */
export async function manifestDetail(
  pool: Pool,
  manifest: Pick<ManifestStatus, 'schema' | 'manifestId'>,
): Promise<ManifestDetail> {
  return inTenantTransaction(pool, manifest.schema, async (client) => ({
    files: (await client.query<ManifestDetail['files'][number]>(sql.files, [manifest.manifestId])).rows,
    pieces: (await client.query<ManifestDetail['pieces'][number]>(sql.pieces, [manifest.manifestId])).rows,
  }));
}

/** Payloads that were refused or whose run failed, newest first. */
export async function listFailures(
  pool: Pool,
  orgId: string | undefined,
  limit: number,
): Promise<IngestFailure[]> {
  const { rows } = await pool.query<IngestFailure>(
    `select org_id as "orgId", request_id as "requestId", error_type as "errorType", reason,
         to_char(failed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "failedAt",
         resolution
     from public.ingest_failure
     where $1::text is null or org_id = $1
     order by failed_at desc
     limit $2`,
    [orgId ?? null, limit],
  );
  return rows;
}
