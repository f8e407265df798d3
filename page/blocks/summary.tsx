import type { ComponentChildren } from 'preact';
import type { Report, Status } from '../answers.ts';
import { isComparable } from '../calls.ts';
import { longDay } from '../days.ts';
import { numberOf } from '../decimal.ts';
import { amount, change, counted, money, signedPercent } from '../format.ts';
import { dailyTotals, poolsOf, projectLines, shownCost } from '../lines.ts';
import { hasCosts, partialDays, projection } from '../model.ts';
import { Money, Sum } from '../parts/amounts.tsx';
import { Answers, Block } from '../parts/block.tsx';
import { useCall, useHidesOthers, usePage } from '../parts/context.ts';
import type { Call } from '../parts/context.ts';
import { NotConverted } from '../parts/unconverted.tsx';

/** How much, is it more, where will it end? */
export function SummaryBlock() {
  const { calls } = usePage();
  const projects = useCall<Report>(calls.projects);
  const resources = [useCall<Report>(calls.compute), useCall<Report>(calls.memory)] as const;
  return (
    <Block id="summary" title="Summary" question="How much, is it more, where will it end?">
      <Answers calls={[projects]}>
        {(costs) =>
          hasCosts(costs) ? (
            <div class="tiles">
              <ToDate costs={costs} />
              <Change costs={costs} />
              <Projection />
              <Unowned costs={costs} />
              <Wasted resources={resources} />
            </div>
          ) : (
            <NoCosts />
          )
        }
      </Answers>
    </Block>
  );
}

/** Usage without prices: a cost of 0 would be a wrong answer. */
function NoCosts() {
  return (
    <div class="tiles">
      <Tile name="Cost" hasNoAmount formula="Without a cost model, or with rates of 0, nothing has a price.">
        –
        <Note>
          No cost model has set prices for these days, or all its rates are 0. Usage, efficiency and nodes are
          below.
        </Note>
      </Tile>
    </div>
  );
}

interface TileProps {
  name: string;
  formula: string;
  /** anchor of the block that has more */
  more?: string;
  /** it is no amount of money */
  hasNoAmount?: boolean;
  children: ComponentChildren;
}

function Tile({ name, formula, more, hasNoAmount = false, children }: TileProps) {
  return (
    <details class="tile">
      <summary>
        <span class="tile-name">{name}</span>
        <span class="tile-value">
          {children}
          {!hasNoAmount && <NotConverted />}
        </span>
      </summary>
      <p class="formula">
        {formula} {more !== undefined && <a href={`#${more}`}>More</a>}
      </p>
    </details>
  );
}

function Note({ children }: { children: ComponentChildren }) {
  return <span class="note">{children}</span>;
}

function ToDate({ costs }: { costs: Report }) {
  const { view, calls, status } = usePage();
  const days = useCall<Report>(calls.costByDay).answer;
  const [first, last] = [days?.data[0]?.date, days?.data.at(-1)?.date];
  const isOpen = last !== undefined && last === status?.meta.today;
  return (
    <Tile
      name={isOpen ? 'Cost to date' : 'Cost'}
      formula={
        view.distributed
          ? 'Raw cost, markup and usage by the cost model, with shared costs at the projects they were distributed to. Distribution leaves the sum as it is.'
          : 'Raw cost, markup and usage by the cost model, before shared costs are distributed.'
      }
    >
      <Money of={shownCost(costs.meta.total?.cost, view.distributed)} />
      {first !== undefined && last !== undefined && (
        <Note>
          {longDay(first)} to {longDay(last)}
        </Note>
      )}
    </Tile>
  );
}

function Change({ costs }: { costs: Report }) {
  const { view } = usePage();
  const { delta, total } = costs.meta;
  const units = total?.cost?.total.units ?? '';
  const before = view.period.endsWith('days')
    ? 'the same number of days before'
    : 'the same days of the month before';
  if (delta === undefined)
    return (
      <Tile name="Change" hasNoAmount formula="Needs a range such as this month or the last 30 days.">
        –
        <Note>
          {isComparable(view) ? 'Not known.' : 'Days chosen by hand have no period before to compare with.'}
        </Note>
      </Tile>
    );
  return (
    <Tile name="Change" formula={`The cost of these days minus that of ${before}.`}>
      <data value={String(delta.value)}>{change(delta.value, units)}</data>
      <Note>
        {delta.percent === null
          ? `no cost in ${before}`
          : `${signedPercent(delta.percent)} against ${before}`}
      </Note>
    </Tile>
  );
}

function Projection() {
  const { view, calls, status } = usePage();
  const { answer: days, failure } = useCall<Report>(calls.costByDay);
  const known = useCall<Status>(calls.status);
  const isUnknown = (failure ?? known.failure) !== undefined;
  const formula =
    'To date, plus the mean of the last 7 full days for each day that is left. Today and days with less than 24 hours are left out of the mean.';
  if (view.period !== 'this-month')
    return (
      <Tile name="Projection" hasNoAmount formula={formula}>
        –<Note>Only a month that has not ended is projected.</Note>
      </Tile>
    );
  if (days === undefined || status === undefined)
    return (
      <Tile name="Projection" hasNoAmount formula={formula}>
        {isUnknown ? (
          <>
            –<Note>Days and their hours could not be loaded.</Note>
          </>
        ) : (
          '…'
        )}
      </Tile>
    );
  const found = projection(dailyTotals(days, view.distributed), partialDays(status, view));
  const units = days.meta.total?.cost?.total.units ?? '';
  return (
    <Tile name="Projection" hasNoAmount={found === undefined} formula={formula}>
      {found === undefined ? '–' : <Money of={{ value: found.value, units }} />}
      <Note>
        {found === undefined
          ? 'No full day yet.'
          : `to date + ${money(found.mean, units)} a day (${counted(found.full, 'full day')}) × ${counted(found.left, 'day')} left`}
      </Note>
    </Tile>
  );
}

function Unowned({ costs }: { costs: Report }) {
  const hidden = useHidesOthers();
  const formula =
    'Costs of the pools (capacity nobody requested, storage and network nobody claimed) before distribution, divided by all costs.';
  if (hidden !== false)
    return (
      <Tile name="Nobody owns" hasNoAmount formula={formula}>
        {hidden === undefined ? (
          '…'
        ) : (
          <>
            –<Note>Not shown: your access covers a part of the clusters.</Note>
          </>
        )}
      </Tile>
    );
  const { sum } = poolsOf(projectLines(costs, false));
  const total = costs.meta.total?.cost?.total;
  const share = total === undefined || total.value === 0 ? undefined : (numberOf(sum) / total.value) * 100;
  return (
    <Tile name="Nobody owns" formula={formula} more="unallocated">
      <Sum of={sum} units={total?.units ?? ''} />
      <Note>{share === undefined ? '' : `${amount(share)} % of the cost`}</Note>
    </Tile>
  );
}

function Wasted({ resources }: { resources: readonly [cpu: Call<Report>, memory: Call<Report>] }) {
  const [cpu, memory] = resources.map(({ answer }) => {
    const total = answer?.meta.total;
    return (total?.total_score ?? total?.score)?.wasted_cost;
  });
  const isUnknown = resources.some(({ failure }) => failure !== undefined);
  return (
    <Tile
      name="Wasted"
      more="efficiency"
      formula="Cost of the resource × (1 − used / requested), and 0 where more was used than requested. CPU and memory are not added: raw cloud costs are in both."
    >
      <span class="pair">
        <span>
          <Money of={cpu} /> <small>CPU</small>
        </span>
        <span>
          <Money of={memory} /> <small>memory</small>
        </span>
      </span>
      <Note>{isUnknown ? 'Not all could be loaded.' : 'requested and not used'}</Note>
    </Tile>
  );
}
