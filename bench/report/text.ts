import { table } from '../../cli/output.ts';
import type { MeasuredShape } from '../measure.ts';
import { shapeNames } from '../payload/shapes.ts';
import type { ShapeName } from '../payload/shapes.ts';
import { wasBusy } from '../results.ts';
import type { Circumstances, Results } from '../results.ts';
import { soakText } from '../soak/soak-text.ts';
import type { Verdict } from '../targets.ts';
import { costColumns, timeColumns } from './columns.ts';
import type { Column } from './columns.ts';
import { settingsRows } from './settings.ts';

/** Rows of a table of all measured shapes. */
export function rowsOf(results: Results, columns: readonly Column[]): string[][] {
  return shapeNames.flatMap((name) => {
    const measured = results.shapes[name];
    return measured === undefined ? [] : [columns.map(({ cell }) => cell(name, measured))];
  });
}

/** Every target that the results can tell something about. */
export function verdictRows(results: Results): { of: string; verdict: Verdict }[] {
  return [
    ...shapeNames.flatMap((of) =>
      (results.shapes[of]?.verdicts ?? []).map((verdict) => ({ of: of, verdict })),
    ),
    ...(results.growth?.verdicts ?? []).map((verdict) => ({ of: 'growth', verdict })),
    ...Object.entries(results.scenarios ?? {}).flatMap(([of, { verdicts }]) =>
      verdicts.map((verdict) => ({ of, verdict })),
    ),
  ];
}

export function formatFigure(value: number, unit: Verdict['unit']): string {
  if (Number.isNaN(value)) return 'unknown';
  return unit === 'ratio' ? value.toFixed(2) : `${value.toFixed(unit === 's' ? 2 : 0)} ${unit}`;
}

/** The results for a terminal. */
export function textReport(results: Results): string {
  const shown = (columns: readonly Column[]) =>
    table(
      columns.map(({ head }) => head),
      rowsOf(results, columns),
      'no shape was measured',
    );
  const verdicts = verdictRows(results).map(({ of, verdict }) => [
    of,
    verdict.target,
    formatFigure(verdict.found, verdict.unit),
    `<= ${formatFigure(verdict.limit, verdict.unit)}`,
    verdict.met ? 'met' : 'missed',
  ]);
  return [
    ...(Object.keys(results.shapes).length === 0 ? [] : [shown(timeColumns), '', shown(costColumns), '']),
    ...sentences(results).flatMap((sentence) => [sentence, '']),
    ...settingsRows(results).flatMap(({ title, head, rows }) => [title, table(head, rows, ''), '']),
    ...Object.values(results.soaks ?? {}).flatMap((soak) => [soakText(soak), '']),
    ...Object.values(results.scenarios ?? {}).flatMap(({ title, head, rows }) => [
      title,
      table(head, rows, ''),
      '',
    ]),
    table(['of', 'target', 'found', 'limit', ''], verdicts, 'no target was judged'),
  ].join('\n');
}

/** What was measured of payloads beside full tables, a sentence each. */
export function sentences(results: Results): string[] {
  const later = shapeNames.flatMap((name) => {
    const measured = results.shapes[name];
    return measured?.later === undefined ? [] : [laterText(name, measured, measured.later)];
  });
  return [...later, ...(results.growth === undefined ? [] : [growthText(results.growth)])];
}

function laterText(
  name: ShapeName,
  { payload }: MeasuredShape,
  { shape, median }: NonNullable<MeasuredShape['later']>,
): string {
  const { emptyMs, fullMs, ratio } = median;
  return (
    `A later ${shape} of the same tenant: ${(emptyMs / 1_000).toFixed(2)} s on empty tables, ` +
    `${(fullMs / 1_000).toFixed(2)} s after ${name} with its ${payload.podLabelSetCount.toLocaleString('en')} ` +
    `label sets of pods: ratio ${ratio.toFixed(2)}.`
  );
}

/** The growth measurement in one sentence. */
function growthText(growth: NonNullable<Results['growth']>): string {
  const { emptyMs, fullMs, ratio } = growth.median;
  const { shape, fleetShape, clusterCount, dayCount, summaryRowCount, stagingRowCount } = growth;
  return (
    `One more day of ${shape}: ${(emptyMs / 1_000).toFixed(2)} s on empty tables, ${(fullMs / 1_000).toFixed(2)} s beside ` +
    `${dayCount} days of ${clusterCount} clusters (the others ${fleetShape}; ${summaryRowCount.toLocaleString('en')} rows in the ` +
    `daily summary, ${stagingRowCount.toLocaleString('en')} in staging): ratio ${ratio.toFixed(2)}.`
  );
}

/** Where the figures come from, in one line. */
export function circumstancesText(circumstances: Circumstances): string {
  const { measuredAt, commit, cores, memoryBytes, node, postgres, runCount, loadAverage } = circumstances;
  const busy = wasBusy(circumstances)
    ? ` **Noisy**: the machine was busy with other work (load ${loadAverage.toFixed(1)} on ${cores} cores).`
    : '';
  return (
    `${measuredAt.slice(0, 10)}, commit ${commit}, ${cores} cores, ${Math.round(memoryBytes / 2 ** 30)} GiB, ` +
    `Node ${node}, PostgreSQL ${postgres}, ${runCount === 1 ? 'one run' : `medians of ${runCount}`}.${busy}`
  );
}
