import { storedGpuColumns } from '../../domain/reports/gpu.ts';
import { reportKindDefinition } from '../../domain/reports/report-kind.ts';
import type { ReportKind } from '../../domain/reports/report-kind.ts';

/** A column of a lake table, by Trino's type. */
export interface LakeColumn {
  readonly name: string;
  readonly type: 'timestamp(3)' | 'varchar' | 'double' | 'bigint';
  /** from where its value comes: a field of the report, or something constant of the piece */
  readonly from: 'time' | 'text' | 'number' | 'labels' | 'piece';
}

/** Partition columns of every lake table, as folders `source=…/year=…/month=…`. */
export const lakePartition = ['source', 'year', 'month'] as const;

/**
 * Columns of the files of a kind: the report's own by their names, without the times that nothing reads; labels as JSON
 * with sorted keys, one text for each label set; `piece_id` and `generation` (`pieceId-checksum`, see
 * {@link generationOf}) to name what counts. NULL in a text column: the file did not have the column.
 */
export function lakeColumns(kind: ReportKind): readonly LakeColumn[] {
  const own = reportKindDefinition(kind).columns.flatMap(({ name, type }): LakeColumn[] => {
    if (type === 'timestamp') return [];
    if (type === 'number') return [{ name, type: 'double', from: 'number' }];
    return [{ name, type: 'varchar', from: type }];
  });
  return [
    { name: 'interval_start', type: 'timestamp(3)', from: 'time' },
    ...own,
    ...(kind === 'gpu_usage' ? derivedOfGpu(own) : []),
    { name: 'piece_id', type: 'bigint', from: 'piece' },
    { name: 'generation', type: 'varchar', from: 'piece' },
  ];
}

/** Columns that are derived when a piece is converted and that no report has. */
function derivedOfGpu(own: readonly LakeColumn[]): LakeColumn[] {
  return Object.entries(storedGpuColumns).flatMap(([name, type]): LakeColumn[] => {
    if (own.some((column) => column.name === name)) return [];
    return [{ name, type: type === 'number' ? 'double' : 'varchar', from: type }];
  });
}

/** A piece with its content: the same for the same, a new one when the piece has new content. */
export function generationOf(piece: { pieceId: number; checksum: string }): string {
  return `${piece.pieceId}-${piece.checksum.slice(0, 16)}`;
}
