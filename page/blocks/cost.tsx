import { rowsOf } from '../answers.ts';
import type { Report } from '../answers.ts';
import { costBefore } from '../calls.ts';
import { longDay, shortDay } from '../days.ts';
import { numberOf, plus, zero } from '../decimal.ts';
import type { Decimal } from '../decimal.ts';
import { money } from '../format.ts';
import { dailyTotals, shownCost } from '../lines.ts';
import { hasCosts, partialDays } from '../model.ts';
import { Money, Sum } from '../parts/amounts.tsx';
import { Answers, Block, Loading, Notice, useSeen } from '../parts/block.tsx';
import { useCall, usePage } from '../parts/context.ts';
import { ChartTable } from '../parts/table.tsx';
import { Lines } from '../charts/lines.tsx';
import { Legend, StackedBars } from '../charts/stacked-bars.tsx';

/** When? */
export function CostBlock() {
  const { calls } = usePage();
  const days = useCall<Report>(calls.costByDay);
  return (
    <Block id="cost" title="Cost" question="When did it cost what?" csv={calls.costByDay}>
      <Answers calls={[days]}>
        {(report) =>
          hasCosts(report) ? (
            <>
              <Daily report={report} />
              <Cumulative report={report} />
            </>
          ) : (
            <Notice>
              <p>– No costs in these days: no cost model has set prices.</p>
            </Notice>
          )
        }
      </Answers>
    </Block>
  );
}

function Daily({ report }: { report: Report }) {
  const { view, status } = usePage();
  const partial = partialDays(status, view);
  const units = report.meta.total?.cost?.total.units ?? '';
  const days = report.data.map(({ date }) => date);
  const cells = report.data.map(
    (element) =>
      new Map(
        rowsOf(element).map(({ names, row }) => [names[0] ?? '', shownCost(row.cost, view.distributed)]),
      ),
  );
  const names = [...new Set(cells.flatMap((day) => [...day.keys()]))];
  const series = names.map((name) => ({ name, values: cells.map((day) => day.get(name)?.value ?? null) }));
  const shownPartial = days.filter((day, index) => partial.has(day) && (cells[index]?.size ?? 0) > 0);
  const sums = dailyTotals(report, view.distributed);
  return (
    <>
      <h3>Per day: the five most expensive projects and all others</h3>
      <StackedBars
        label={`Cost per UTC day from ${longDay(days[0] ?? '')} to ${longDay(days.at(-1) ?? '')}, by project; the table below has the numbers`}
        days={days}
        series={series}
        partial={partial}
        titleOf={(number, day) =>
          `${names[number] ?? ''}, ${longDay(days[day] ?? '')}: ${money(series[number]?.values[day] ?? 0, units)}`
        }
      />
      <Legend names={names} />
      {shownPartial.length > 0 && (
        <p class="small">
          Hatched: not complete yet ({shownPartial.map(shortDay).join(', ')}), because it is today or hours
          are missing.
        </p>
      )}
      <ChartTable
        caption="cost per day"
        names={['Day (UTC)', ...names, 'Sum']}
        rows={days.map((day, index) => [day, ...names, String(index)])}
        cell={([day = ''], column) => {
          const index = days.indexOf(day);
          if (column === 0) return `${day}${partial.has(day) ? ' (not complete)' : ''}`;
          const name = names[column - 1];
          if (name !== undefined) return <Money of={cells[index]?.get(name)} />;
          const sum = sums[index]?.value;
          return sum === null || sum === undefined ? '–' : <Sum of={sum} units={units} />;
        }}
      />
    </>
  );
}

function Cumulative({ report }: { report: Report }) {
  const { view } = usePage();
  const days = report.data.map(({ date }) => date);
  const { ref, seen } = useSeen(-100);
  const path = costBefore(view, days);
  const before = useCall<Report>(seen ? path : undefined);
  const now = cumulated(report, view.distributed);
  const then = before.answer === undefined ? undefined : cumulated(before.answer, view.distributed);
  const units = report.meta.total?.cost?.total.units ?? '';
  const count = Math.max(now.length, then?.length ?? 0);
  const name = view.period.endsWith('days') ? 'the days before' : 'the month before';
  const lines = [
    { name: 'These days', values: now.map(numberOf) },
    ...(then === undefined ? [] : [{ name, values: then.map(numberOf), dashed: true }]),
  ];
  return (
    <div ref={ref}>
      <h3>Summed up{path === undefined ? '' : `, against ${name}`}</h3>
      {before.failure !== undefined && (
        <p class="small" role="alert">
          {before.failure.status === 400 ? (
            'The days before are older than what is kept, so there is one line only.'
          ) : (
            <>
              The line of {name} could not be loaded: {before.failure.message}{' '}
              <button type="button" onClick={before.retry}>
                Try again
              </button>
            </>
          )}
        </p>
      )}
      {path !== undefined && (before.answer ?? before.failure) === undefined && <Loading of={name} />}
      <Lines
        label="Cost summed up from the first day; the table below has the numbers"
        lines={lines}
        count={count}
      />
      <ul class="legend">
        {lines.map((line, index) => (
          <li key={line.name}>
            <svg width="22" height="12" aria-hidden="true">
              <line x1="0" x2="22" y1="6" y2="6" class={`line l${index} ${index === 1 ? 'dashed' : ''}`} />
            </svg>
            {line.name}
          </li>
        ))}
      </ul>
      <ChartTable
        caption="cost summed up"
        names={['Day', 'These days', ...(then === undefined ? [] : [name])]}
        rows={Array.from({ length: count }, (_, index) => [String(index + 1)])}
        cell={([day = ''], column) => {
          if (column === 0) return day;
          const sum = (column === 1 ? now : (then ?? []))[Number(day) - 1];
          return sum === undefined ? '–' : <Sum of={sum} units={units} />;
        }}
      />
    </div>
  );
}

/** Running sums up to the last day with data. */
function cumulated(report: Report, distributed: boolean): Decimal[] {
  const days = dailyTotals(report, distributed);
  const length = days.findLastIndex(({ value }) => value !== null) + 1;
  let sum = zero;
  return days.slice(0, length).map(({ value }) => (sum = plus(sum, value ?? zero)));
}
