import type { ClusterStatus, Report, Status } from '../answers.ts';
import { dayAndTime, longDay, shortDay } from '../days.ts';
import { plus, zero } from '../decimal.ts';
import { counted } from '../format.ts';
import { agree, projectLines, shown, shownCost } from '../lines.ts';
import { chosenClusters, clusterName, clustersOf } from '../model.ts';
import { Answers, Block, Notice } from '../parts/block.tsx';
import { useCall, usePage } from '../parts/context.ts';
import { ChartTable } from '../parts/table.tsx';
import { useWidth } from '../charts/width.ts';

/** Can I trust it? */
export function DataBlock() {
  const { calls } = usePage();
  const call = useCall<Status>(calls.status);
  const projects = useCall<Report>(calls.projects);
  return (
    <Block id="data" title="Data" question="Can I trust it?">
      <Answers calls={[call]}>
        {(status) => (
          <>
            <Check report={projects.answer} />
            <Waiting status={status} />
            <Clusters status={status} />
          </>
        )}
      </Answers>
    </Block>
  );
}

/** Σ rows = total. */
function Check({ report }: { report: Report | undefined }) {
  const { view } = usePage();
  const total = shownCost(report?.meta.total?.cost, view.distributed);
  if (report === undefined || total === undefined) return null;
  const sum = projectLines(report, view.distributed)
    .map((line) => shown(line, view.distributed))
    .reduce(plus, zero);
  return agree(sum, total.value) ? (
    <p class="check">
      <span aria-hidden="true">✓</span> The projects add up to the total.
    </p>
  ) : (
    <Notice kind="warn">
      <p>The projects do not add up to the total.</p>
    </Notice>
  );
}

/** Payloads that failed and runs that wait: what of them is missing in the numbers. */
function Waiting({ status }: { status: Status }) {
  if (Array.isArray(status.data)) return null;
  const { failed_payloads: failed, blocked_runs: runs, blocked_runs_reason: reason } = status.data;
  return (
    <>
      {runs === null && (
        <Notice kind="warn">
          <p>Whether runs wait for a decision is not known: {reason}. The numbers are not affected.</p>
        </Notice>
      )}
      {runs !== null && runs.length > 0 && (
        <Notice kind="warn">
          <p>
            <strong>{counted(runs.length, 'run')} waiting for a decision</strong>; their days are not in the
            numbers yet.
          </p>
          <ul>
            {runs.map(({ workflowId, clusterId, startedAt, url }) => (
              <li key={workflowId}>
                {url === null ? <code>{workflowId}</code> : <a href={url}>{workflowId}</a>}
                {clusterId === undefined ? '' : ` of ${clusterId}`}, since {dayAndTime(startedAt)}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {failed.length > 0 && (
        <Notice kind="warn">
          <p>
            <strong>{counted(failed.length, 'payload')} failed</strong> and nobody has replayed them:
          </p>
          <ul>
            {failed.map((payload) => (
              <li key={payload.request_id}>
                <code>{payload.request_id}</code>
                {payload.cluster === null ? '' : ` of ${payload.cluster}`}, {dayAndTime(payload.failed_at)}:{' '}
                {payload.reason}
              </li>
            ))}
          </ul>
        </Notice>
      )}
    </>
  );
}

function Clusters({ status }: { status: Status }) {
  const { view } = usePage();
  const all = clustersOf(status);
  return (
    <>
      {chosenClusters(status, view).map((cluster) => (
        <div key={cluster.source_uuid} class="cluster">
          <h3>{clusterName(cluster, all)}</h3>
          <Facts cluster={cluster} />
          <DayStrip cluster={cluster} name={clusterName(cluster, all)} />
        </div>
      ))}
    </>
  );
}

function Facts({ cluster }: { cluster: ClusterStatus }) {
  const rejected = cluster.days.reduce((sum, { rejected_rows: rows }) => sum + rows, 0);
  const model = cluster.cost_model;
  const facts: [string, string][] = [
    ['Cluster', cluster.cluster ?? 'has not sent anything yet'],
    [
      'Last day',
      cluster.last_day === null
        ? 'none'
        : `${longDay(cluster.last_day)}${cluster.last_hours === null ? '' : `, ${cluster.last_hours} of 24 hours`}`,
    ],
    ['Cost model', model === null ? 'none' : `${model.name} (${model.currency})`],
    ['Costs computed', cluster.costs_at === null ? 'never' : dayAndTime(cluster.costs_at)],
    [
      'Rejected rows',
      rejected === 0 ? 'none in the days listed' : `${rejected}; the log of the run names them`,
    ],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const stripHeight = 34;

/** A box per day: full, with hours missing, with rejected rows. */
function DayStrip({ cluster, name }: { cluster: ClusterStatus; name: string }) {
  const { ref, width } = useWidth();
  const { days } = cluster;
  if (days.length === 0) return <p class="small">None of the last 35 days has data.</p>;
  const step = Math.min(width / days.length, 26);
  const every = Math.ceil(46 / step);
  const stateOf = ({ hours, rejected_rows: rejected }: ClusterStatus['days'][number]) =>
    rejected > 0 ? 'rejected' : hours < 24 ? 'short' : 'full';
  return (
    <>
      <div ref={ref} class="chart">
        <svg
          role="img"
          aria-label={`Days of ${name}: height by hours; the table below has the numbers`}
          width={width}
          height={stripHeight + 16}
          viewBox={`0 0 ${width} ${stripHeight + 16}`}
        >
          {days.map((day, index) => {
            const height = Math.max((day.hours / 24) * stripHeight, 2);
            return (
              <g key={day.date}>
                <rect
                  class={`day ${stateOf(day)}`}
                  x={index * step}
                  width={Math.max(step - 2, 1)}
                  y={stripHeight - height}
                  height={height}
                >
                  <title>{`${day.date}: ${day.hours} hours, ${day.rejected_rows} rejected rows`}</title>
                </rect>
                {day.rejected_rows > 0 && (
                  <text class="axis middle" x={index * step + step / 2 - 1} y={12}>
                    !
                  </text>
                )}
                {index % every === 0 && (
                  <text class="axis" x={index * step} y={stripHeight + 13}>
                    {shortDay(day.date)}
                  </text>
                )}
              </g>
            );
          })}
        </svg>
      </div>
      <ChartTable
        caption={`days of ${name}`}
        names={['Day (UTC)', 'Hours', 'Rejected rows', 'Summarised']}
        rows={days.map((day) => [
          day.date,
          String(day.hours),
          String(day.rejected_rows),
          day.summarised_at === null ? 'not yet' : dayAndTime(day.summarised_at),
        ])}
      />
    </>
  );
}
