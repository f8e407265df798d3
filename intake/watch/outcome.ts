import type { IngestManifestResult } from '../../domain/run/run.ts';
import type { DropOutcome } from './events.ts';

/** How a file ended, and what its note says. */
export interface Ending {
  outcome: DropOutcome;
  sentence: string;
  result?: IngestManifestResult;
  errorType?: string;
}

const counted = (count: number, what: string): string =>
  `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

/** The end of a run that returned a result. */
export function endedWith(result: IngestManifestResult): Ending {
  const { outcome, reason = 'no reason was given' } = result;
  if (outcome === 'ignored') return { outcome, result, sentence: `Ignored: ${line(reason)}.` };
  if (outcome === 'incomplete')
    return { outcome, result, sentence: `Not ingested: ${line(reason)}; then move this file back.` };
  const rows = counted(result.rowCount, 'row');
  const days = counted(result.daysSummarised, 'day');
  const rejected =
    result.rejectedRowCount === 0 ? '' : `, ${counted(result.rejectedRowCount, 'row')} rejected`;
  const warnings = result.warnings.length === 0 ? '' : `; warnings: ${result.warnings.map(line).join('; ')}`;
  return {
    outcome,
    result,
    sentence: `Ingested: manifest ${result.manifestUuid ?? ''}, ${rows}${rejected}, ${days} summarised${warnings}.`,
  };
}

/** The same bytes were ingested before. */
export function knownBefore(result: IngestManifestResult): Ending {
  return {
    outcome: 'known',
    result,
    sentence: `Known: the same archive was ingested before (manifest ${result.manifestUuid ?? ''}); nothing was changed.`,
  };
}

/** The end of a run that failed. */
export function failedWith({ errorType, message }: { errorType: string; message: string }): Ending {
  return {
    outcome: 'failed',
    errorType,
    sentence: `Failed (${errorType}): ${line(message)}; when that is corrected, move this file back to try again.`,
  };
}

/** A file that cannot be a payload. */
export function noArchive(): Ending {
  return {
    outcome: 'refused',
    errorType: 'ManifestInvalid',
    sentence:
      'Not taken (ManifestInvalid): not a gzip-compressed tar archive; put the tar.gz archive here that the cost operator wrote.',
  };
}

/** One line without a full stop. */
function line(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replace(/[.\s]+$/, '');
}
