import { PipelineError } from '../../domain/failures/failures.ts';
import type { MonthInput } from '../../summary/month-step.ts';
import { describeDifference, describePieces } from '../../summary/staging-counts.ts';
import type { MiscountedPiece } from '../../summary/staging-counts.ts';
import { folderOfMonth } from './lake-tables.ts';

/** The error for pieces whose relations are not what was converted, however often they are converted. */
export function filesNotKept(month: MonthInput, pieces: readonly MiscountedPiece[]): PipelineError {
  const [first] = pieces;
  if (first === undefined) throw new Error('no piece is miscounted');
  const { reportKind, expected, found, measure = 'rows' } = first;
  return new PipelineError(
    'StagingMiscounted',
    `${describeDifference(measure)}, although the pieces were converted again: ` +
      `${describePieces(first, pieces.length)}: expected ${expected} ${measure}, found ${found}. ` +
      `Something else adds or changes files in ${folderOfMonth({ ...month, kind: reportKind })}, or a trigger changes ` +
      'rows of the daily relations; remove the cause, then decide "retry", or run the payload or the rebuild again',
    { details: { reportKind, expected, found } },
  );
}
