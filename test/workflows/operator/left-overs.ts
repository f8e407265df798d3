import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reportKinds, stagingTableOf } from '../../../domain/reports/report-kind.ts';
import { taskQueues } from '../../../domain/run/run.ts';
import { inTenantTransaction } from '../../../platform/database/database.ts';
import type { sweepStaging } from '../../../workflows/index.ts';
import type { TestPipeline } from '../../support/pipeline.ts';

/** What an interrupted run may leave lying about. */
export interface LeftOvers {
  /** half-written objects */
  temporaryObjects: number;
  /** staging rows of no piece, or of a piece that is not staged */
  orphanRows: number;
  /** pieces whose rows in staging are not as many as the ledger says, or that are loaded twice */
  halfStagedPieces: number;
  /** days whose report tables are behind the daily summary */
  daysBehind: number;
}

export const nothingLeft: LeftOvers = {
  temporaryObjects: 0,
  orphanRows: 0,
  halfStagedPieces: 0,
  daysBehind: 0,
};

/** Look, after a sweep, at the object store, and at staging and the ledgers of a source. */
export async function leftOvers(pipeline: TestPipeline, sourceUuid: string): Promise<LeftOvers> {
  await pipeline.client.workflow.execute<typeof sweepStaging>('sweepStaging', {
    workflowId: `sweep-by-hand:${crypto.randomUUID()}`,
    taskQueue: taskQueues.pipeline,
    args: [{}],
  });
  const incoming = join(fileURLToPath(pipeline.objectStore.location), '.incoming');
  const temporaryObjects = (await readdir(incoming).catch(() => [])).length;
  const { pool, schema } = pipeline.database;
  const inStaging = reportKinds
    .map((kind) => `select piece_id, source_uuid from ${stagingTableOf(kind)}`)
    .join(' union all ');
  return inTenantTransaction(pool, schema, async (client) => {
    const { rows } = await client.query<Omit<LeftOvers, 'temporaryObjects'>>(
      `with staged as (
           select piece_id, count(*) as row_count
           from (${inStaging}) as rows
           where source_uuid = $1
           group by piece_id
       )
       select
           (select coalesce(sum(staged.row_count), 0)
            from staged
            left join ocp_piece as piece on piece.piece_id = staged.piece_id and piece.state = 'staged'
            where piece.piece_id is null)::integer as "orphanRows",
           (select count(*)
            from ocp_piece as piece
            left join staged using (piece_id)
            where piece.source_uuid = $1
                and piece.state = 'staged'
                and coalesce(staged.row_count, 0) <> piece.row_count)::integer as "halfStagedPieces",
           (select count(*)
            from ocp_day
            where source_uuid = $1
                and (tags_version, cost_version, validated_version) is distinct from (version, version, version))::integer as "daysBehind"`,
      [sourceUuid],
    );
    if (rows[0] === undefined) throw new Error('no answer');
    return { temporaryObjects, ...rows[0] };
  });
}
