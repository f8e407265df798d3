import { soakRows, soakTitle } from '../soak/soak-text.ts';
import { circumstancesText, formatFigure, rowsOf, sentences, verdictRows } from './text.ts';
import type { Results } from '../results.ts';
import { costColumns, timeColumns } from './columns.ts';
import type { Column } from './columns.ts';
import { settingsRows } from './settings.ts';

const begin = '<!-- written by npm run bench -- --publish: begin -->';
const end = '<!-- written by npm run bench -- --publish: end -->';

/**
 * The document with its section of results replaced.
 * @throws Error when the document has no such section
 */
export function withResults(document: string, results: Results): string {
  const from = document.indexOf(begin);
  const until = document.indexOf(end);
  if (from < 0 || until < from)
    throw new Error(`the document has no section between "${begin}" and "${end}"`);
  return `${document.slice(0, from + begin.length)}\n\n${resultsMarkdown(results)}\n\n${document.slice(until)}`;
}

function resultsMarkdown(results: Results): string {
  const origins = new Map<string, string[]>();
  const note = (what: string, circumstances: string) =>
    origins.set(circumstances, [...(origins.get(circumstances) ?? []), what]);
  for (const [name, measured] of Object.entries(results.shapes))
    note(name, circumstancesText(measured.circumstances));
  if (results.growth !== undefined) note('growth', circumstancesText(results.growth.circumstances));
  for (const { shape, circumstances } of Object.values(results.settings ?? {}))
    note(`settings with ${shape}`, circumstancesText(circumstances));
  for (const [name, soak] of Object.entries(results.soaks ?? {}))
    note(`soak of ${name}`, circumstancesText(soak.circumstances));
  for (const [name, { circumstances }] of Object.entries(results.scenarios ?? {}))
    note(name, circumstancesText(circumstances));
  const shown = (columns: readonly Column[]) =>
    markdownTable(
      columns.map(({ head }) => head),
      rowsOf(results, columns),
    );
  return [
    ...[...origins].map(([text, names]) => `- ${names.join(', ')}: ${text}`),
    '',
    shown(timeColumns),
    '',
    shown(costColumns),
    ...sentences(results).flatMap((sentence) => ['', sentence]),
    ...settingsRows(results).flatMap(({ title, head, rows }) => ['', title, '', markdownTable(head, rows)]),
    ...Object.values(results.soaks ?? {}).flatMap((soak) => {
      const { head, rows } = soakRows(soak);
      return ['', soakTitle(soak), '', markdownTable(head, rows)];
    }),
    ...Object.values(results.scenarios ?? {}).flatMap(({ title, head, rows }) => [
      '',
      title,
      '',
      markdownTable(head, rows),
    ]),
    '',
    markdownTable(
      ['of', 'target', 'found', 'limit', 'met'],
      verdictRows(results).map(({ of, verdict }) => [
        of,
        verdict.target,
        formatFigure(verdict.found, verdict.unit),
        formatFigure(verdict.limit, verdict.unit),
        verdict.met ? 'yes' : 'no',
      ]),
    ),
  ].join('\n');
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const numeric = head.map((_, column) => rows.every((row) => /^(?:[\d.,]+|–)/.test(row[column] ?? '')));
  return [line(head), line(numeric.map((right) => (right ? '---:' : '---'))), ...rows.map(line)].join('\n');
}
