import uploadGuide from '../../docs/upload.md?url';
import { hasRows } from '../answers.ts';
import type { Report } from '../answers.ts';
import { longDay } from '../days.ts';
import { chosenClusters, clusterName, clustersOf, lastDayOf, staleClusters } from '../model.ts';
import { counted } from '../format.ts';
import { queryOf } from '../view.ts';
import type { View } from '../view.ts';
import { Notice } from './block.tsx';
import { useCall, usePage } from './context.ts';
import { useUnconverted } from './unconverted.tsx';

/** What a reader must know before the numbers. */
export function Messages() {
  return (
    <div class="messages">
      <Unknown />
      <Stale />
      <Restricted />
      <Unconverted />
      <Uncosted />
    </div>
  );
}

/** An address may name what there is not, or not any more; then nothing is chosen that could be undone. */
function Unknown() {
  const { status, view } = usePage();
  const choices = status?.meta.currencies?.choices;
  const { cluster, currency } = view;
  const isUnknown =
    cluster !== undefined && status !== undefined && chosenClusters(status, view).length === 0;
  return (
    <>
      {isUnknown && (
        <Notice kind="warn">
          <p>
            No cluster that you see is called <strong>{cluster}</strong>.{' '}
            <a href={addressOf({ ...view, cluster: undefined })}>Show all clusters</a>
          </p>
        </Notice>
      )}
      {currency !== undefined && choices?.includes(currency) === false && (
        <Notice kind="warn">
          <p>
            Amounts cannot be shown in <strong>{currency}</strong>.{' '}
            <a href={addressOf({ ...view, currency: undefined })}>Show the usual currency</a>
          </p>
        </Notice>
      )}
    </>
  );
}

function addressOf(view: View): string {
  return `${location.pathname}${queryOf(view)}`;
}

function Stale() {
  const { status } = usePage();
  const all = clustersOf(status);
  return staleClusters(status).map(({ cluster, hours }) => (
    <Notice key={cluster.source_uuid} kind="warn">
      <p>
        <strong>{clusterName(cluster, all)}</strong> has sent nothing for{' '}
        {counted(Math.floor(hours / 24), 'day')}: its last day is {longDay(cluster.last_day ?? '')}.{' '}
        <a href="#data">See its days</a>, then look whether its cost operator uploads.
      </p>
    </Notice>
  ));
}

function Restricted() {
  const { status } = usePage();
  const access = status?.meta.access ?? {};
  const parts = (['cluster', 'project', 'node'] as const).flatMap((kind) => {
    const list = access[kind];
    return list === undefined ? [] : counted(list.length, kind);
  });
  if (parts.length === 0) return null;
  return (
    <Notice>
      <p>
        You see {parts.join(', ')} of your access. Totals are about these only
        {access.project !== undefined || access.node !== undefined
          ? '; shared pools and the capacity of others are not shown.'
          : '.'}
      </p>
    </Notice>
  );
}

function Unconverted() {
  return useUnconverted().map(({ from, shown, what }) => (
    <Notice key={`${from} ${what}`} kind="warn">
      <p>
        <strong>Not converted:</strong> {what} are in {from} and shown as {shown}, because no exchange rate
        from {from} to {shown} is known. Choose {from}, or have the rate added.
      </p>
    </Notice>
  ));
}

/** Clusters without a cost model: their usage counts, their costs are 0. */
function Uncosted() {
  const { status, view } = usePage();
  const chosen = chosenClusters(status, view);
  const without = chosen.filter(({ cost_model: model }) => model === null);
  if (without.length === 0) return null;
  const names = without.map((cluster) => clusterName(cluster, clustersOf(status)));
  return (
    <Notice kind="warn">
      <p>
        <strong>No cost model</strong> for {names.join(', ')}: usage is shown, costs are missing. Give it
        prices with <code>ocp-pipeline cost-model apply</code>.
      </p>
    </Notice>
  );
}

/** Are there no data in these days? */
export function useHasNoData(): boolean {
  const { calls, status } = usePage();
  const projects = useCall<Report>(calls.projects).answer;
  return projects !== undefined && !hasRows(projects) && status !== undefined;
}

/** Has no cluster of the organisation ever had a day? Another program may write days that the status does not know. */
export function useNothingYet(): boolean {
  const { status } = usePage();
  return useHasNoData() && clustersOf(status).every(({ last_day: day }) => day === null);
}

/** Nobody has sent anything yet. */
export function NoClusters() {
  return (
    <section class="block" aria-labelledby="nothing-yet">
      <h2 id="nothing-yet">No cluster has sent data yet</h2>
      <ol>
        <li>
          Register a cluster: <code>ocp-pipeline source add --org ID --cluster CLUSTER-ID --name NAME</code>.
        </li>
        <li>
          Point its cost operator at the server for uploads, or send a payload yourself:{' '}
          <code>ocp-pipeline ingest FILE.tar.gz --org ID</code>.
        </li>
        <li>Load this page again a minute later.</li>
      </ol>
      <p>
        <a href={uploadGuide}>How to upload</a> has each step.
      </p>
    </section>
  );
}

/** There are data, but not in these days. */
export function NoData() {
  const { status, view, calls } = usePage();
  const days = useCall<Report>(calls.costByDay).answer?.data ?? [];
  const [first, last] = [days[0]?.date, days.at(-1)?.date];
  const chosen = chosenClusters(status, view);
  const latest = lastDayOf(chosen);
  return (
    <section class="block" aria-labelledby="no-data">
      <h2 id="no-data">
        {first === undefined || last === undefined
          ? 'No data in these days'
          : `No data from ${longDay(first)} to ${longDay(last)}`}
      </h2>
      {latest === undefined ? (
        chosen.length > 0 && <p>This cluster has not sent any day yet.</p>
      ) : (
        <p>
          The last day is {longDay(latest)}.{' '}
          <a href={addressOf({ ...view, ...viewOfMonth(latest, status?.meta.today ?? '') })}>
            Show the days up to {longDay(latest)}
          </a>
        </p>
      )}
    </section>
  );
}

/** The month of a day: last month has something to compare with, an earlier one is chosen by its dates. */
function viewOfMonth(day: string, today: string) {
  const [year = 0, month = 0] = today.split('-').map(Number);
  const before = new Date(Date.UTC(year, month - 2, 1)).toISOString().slice(0, 7);
  if (day.startsWith(before)) return { period: 'last-month', start: undefined, end: undefined } as const;
  return { period: 'dates', start: `${day.slice(0, 7)}-01`, end: day } as const;
}
