import { hourRanges } from '../domain/time/live-hours.ts';
import type { ManifestDetail } from '../payload/manifest-status.ts';
import { formatNumber, table } from './output.ts';

type Piece = ManifestDetail['pieces'][number];

/** The pieces of a manifest: where their rows are, the engine of their month, and whether they count. */
export function pieceTable(pieces: readonly Piece[]): string {
  return table(
    ['day', 'kind', 'hours', 'rows', 'state', 'engine', 'generation', 'processed'],
    pieces.map((piece) => [
      piece.usageDay,
      piece.reportKind,
      piece.hours,
      formatNumber(piece.rowCount),
      stateText(piece),
      piece.engine ?? '',
      generationText(piece),
      piece.processedAt ?? '',
    ]),
    'No pieces',
  );
}

/** Where the rows are. For the ledger what never was in staging is swept, too; a shadow has what is staged as well. */
function stateText({ state, inLake }: Piece): string {
  if (!inLake) return state;
  return state === 'swept' ? 'in the lake' : `${state}, in the lake`;
}

/** live, superseded, or, if other pieces cover a part of the piece: `hours 0–11 of 24 live`. */
function generationText({ generation, liveHours, hoursWithRows }: Piece): string {
  if (liveHours.length === 0 || liveHours.length === hoursWithRows) return generation ?? '';
  return `hours ${hourRanges(liveHours)} of ${hoursWithRows} live`;
}
