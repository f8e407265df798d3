import { useEffect, useState } from 'preact/hooks';
import type { Report } from '../answers.ts';
import { chosenClusters, clusterName, clustersOf, clusterValue } from '../model.ts';
import { periods } from '../view.ts';
import type { PeriodName } from '../view.ts';
import { late } from './anchor.ts';
import { useCall, usePage } from './context.ts';
import { useHasNoData, useNothingYet } from './states.tsx';

const anchors = {
  summary: 'Summary',
  cost: 'Cost',
  projects: 'Projects',
  changes: 'Changes',
  labels: 'Labels',
  efficiency: 'Efficiency',
  nodes: 'Nodes',
  unallocated: 'Unallocated',
  vms: 'Virtual machines',
  gpus: 'GPUs',
  volumes: 'Volumes',
  data: 'Data',
};

/** Head of the page: what is shown, and the way to its parts. */
export function Controls({ signOut }: { signOut: (() => void) | undefined }) {
  const { status, view } = usePage();
  const nothingYet = useNothingYet();
  const clusters = clustersOf(status);
  const [only] = clusters;
  return (
    <header class="page-head">
      <div class="title-line">
        <h1>OpenShift costs</h1>
        {clusters.length === 1 && only !== undefined && <p>{clusterName(only, clusters)}</p>}
        {clusters.length > 1 && (
          <p>
            {view.cluster === undefined
              ? `${clusters.length} clusters`
              : chosenClusters(status, view)
                  .map((one) => clusterName(one, clusters))
                  .join(', ')}
          </p>
        )}
        {signOut !== undefined && (
          <button type="button" class="quiet" onClick={signOut}>
            Sign out
          </button>
        )}
      </div>
      {!nothingYet && <Choices />}
    </header>
  );
}

function Choices() {
  const { found } = usePage();
  const hasNoData = useHasNoData();
  const isThere = (id: string) => (hasNoData ? id === 'data' : !late.has(id) || found.includes(id));
  return (
    <>
      <form class="controls" onSubmit={(event) => event.preventDefault()}>
        <PeriodControl />
        <ClusterControl />
        <CurrencyControl />
        <DistributedControl />
      </form>
      <nav aria-label="Parts of the page">
        <ul>
          {Object.entries(anchors)
            .filter(([id]) => isThere(id))
            .map(([id, name]) => (
              <li key={id}>
                <a href={`#${id}`}>{name}</a>
              </li>
            ))}
        </ul>
      </nav>
    </>
  );
}

function PeriodControl() {
  const { view, setView, status } = usePage();
  const [byHand, setByHand] = useState(false);
  const today = status?.meta.today ?? '';
  const [start, setStart] = useState(view.start ?? '');
  const [end, setEnd] = useState(view.end ?? '');
  // Back and forward bring other views.
  useEffect(() => {
    setByHand(false);
    setStart(view.start ?? '');
    setEnd(view.end ?? '');
  }, [view.period, view.start, view.end]);
  const dates = byHand || view.period === 'dates';
  const isValid = start !== '' && end !== '' && start <= end;
  return (
    <>
      <label>
        Range
        <select
          value={dates ? 'dates' : view.period}
          onChange={(event) => {
            const period = event.currentTarget.value as PeriodName;
            setByHand(period === 'dates');
            if (period !== 'dates') setView({ period, start: undefined, end: undefined });
          }}
        >
          {Object.entries(periods).map(([name, text]) => (
            <option key={name} value={name}>
              {text}
            </option>
          ))}
        </select>
      </label>
      {dates && (
        <>
          <label>
            From
            <input
              type="date"
              max={today}
              value={start}
              onInput={(event) => setStart(event.currentTarget.value)}
            />
          </label>
          <label>
            To
            <input
              type="date"
              max={today}
              value={end}
              onInput={(event) => setEnd(event.currentTarget.value)}
            />
          </label>
          <button type="button" disabled={!isValid} onClick={() => setView({ period: 'dates', start, end })}>
            Show
          </button>
        </>
      )}
    </>
  );
}

function ClusterControl() {
  const { view, setView, status } = usePage();
  const clusters = clustersOf(status);
  // A switch between one cluster and all of one would say nothing.
  if (clusters.length < 2) return null;
  return (
    <label>
      Cluster
      <select
        value={view.cluster ?? ''}
        onChange={(event) => setView({ cluster: event.currentTarget.value || undefined })}
      >
        <option value="">All {clusters.length}</option>
        {clusters.map((cluster) => (
          <option key={cluster.source_uuid} value={clusterValue(cluster, status)}>
            {clusterName(cluster, clusters)}
          </option>
        ))}
      </select>
    </label>
  );
}

function CurrencyControl() {
  const { view, setView, status } = usePage();
  const currencies = status?.meta.currencies;
  if (currencies === undefined || currencies.choices.length < 2) return null;
  return (
    <label>
      Currency
      <select
        value={view.currency ?? currencies.default}
        onChange={(event) => setView({ currency: event.currentTarget.value })}
      >
        {currencies.choices.map((code) => (
          <option key={code}>{code}</option>
        ))}
      </select>
    </label>
  );
}

function DistributedControl() {
  const { view, setView, calls } = usePage();
  const { answer } = useCall<Report>(calls.projects);
  const nothing = answer?.meta.distributed_overhead === false;
  return (
    <label class="switch">
      <input
        type="checkbox"
        checked={view.distributed && !nothing}
        disabled={nothing}
        aria-describedby={nothing ? 'not-distributed' : undefined}
        onChange={(event) => setView({ distributed: event.currentTarget.checked })}
      />
      Shared costs distributed
      {nothing && (
        <span id="not-distributed" class="small">
          Off: the cost model distributes nothing in these days.
        </span>
      )}
    </label>
  );
}
