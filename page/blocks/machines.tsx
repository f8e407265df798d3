import { useEffect } from 'preact/hooks';
import { rowsOf } from '../answers.ts';
import type { NamedRow, Report, Row } from '../answers.ts';
import { isMonth } from '../calls.ts';
import { numberOf } from '../decimal.ts';
import { groupLines, shownCost } from '../lines.ts';
import type { GroupLine } from '../lines.ts';
import { clusterNames, hasCosts } from '../model.ts';
import { Amount, Money, Quantity, Sum } from '../parts/amounts.tsx';
import { useApart, useHasSeveral } from '../parts/apart.ts';
import { Answers, Block, Loading, useSeen } from '../parts/block.tsx';
import { useCall, usePage } from '../parts/context.ts';
import { Table } from '../parts/table.tsx';
import type { Column } from '../parts/table.tsx';
import { BarPair } from '../charts/bars.tsx';

/** Virtual machines, GPUs and volumes: each only where there are some. @param setFound told which those are */
export function MachineBlocks({ setFound }: { setFound: (blocks: readonly string[]) => void }) {
  const { ref, seen } = useSeen();
  const { calls } = usePage();
  const question = useVmQuestion();
  const costs = useCall<Report>(calls.projects).answer;
  const priced = costs === undefined || hasCosts(costs);
  const asked = (path: string) => (seen ? path : undefined);
  const vms = useCall<Report>(asked(calls.vms));
  const machines = useApart(asked(calls.vms));
  const gpu = useCall<Report>(asked(calls.gpu));
  const volumes = useCall<Report>(asked(calls.volumes));
  const isShown = ({ answer, failure }: typeof vms) =>
    failure !== undefined || (answer !== undefined && answer.data.flatMap(rowsOf).length > 0);
  const found = Object.entries({ vms, gpus: gpu, volumes }).flatMap(([id, call]) =>
    isShown(call) ? [id] : [],
  );
  useEffect(() => {
    setFound(found);
    return () => setFound([]);
  }, [found.join(' ')]);
  const isPending = [vms, gpu, volumes].some(({ answer, failure }) => (answer ?? failure) === undefined);
  return (
    <div ref={ref} id="machines">
      {isPending && <Loading of="machines, GPUs and volumes" />}
      {isShown(vms) && (
        <Block id="vms" title="Virtual machines" question={question} csv={calls.vms}>
          <Answers calls={[vms, machines]}>
            {(report, rows) => <Vms report={report} rows={rows} priced={priced} />}
          </Answers>
        </Block>
      )}
      {isShown(gpu) && (
        <Block id="gpus" title="GPUs" question="Which GPUs does who use?" csv={calls.gpu}>
          <Answers calls={[gpu]}>{(report) => <Gpus report={report} priced={priced} />}</Answers>
        </Block>
      )}
      {isShown(volumes) && (
        <Block id="volumes" title="Volumes" question="What is requested and not used?" csv={calls.volumes}>
          <Answers calls={[volumes]}>{(report) => <Volumes report={report} priced={priced} />}</Answers>
        </Block>
      )}
    </div>
  );
}

function useVmQuestion(): string {
  const { view } = usePage();
  const question = 'What does each machine cost?';
  return isMonth(view) ? question : `${question} Machines are reported by month: this is the current month.`;
}

interface ReportProps {
  report: Report;
  /** without prices there are no costs to show */
  priced: boolean;
}

/** Which cluster a row is of, where there are several. */
function useClusterColumn<T>(rowOf: (line: T) => Row): Column<T>[] {
  const { status } = usePage();
  if (!useHasSeveral()) return [];
  const cell = (line: T) => clusterNames(rowOf(line).source_uuid ?? [], status);
  return [{ name: 'Cluster', cell, sum: '' }];
}

function Vms({ report, rows: named, priced }: ReportProps & { rows: readonly NamedRow[] }) {
  const { view } = usePage();
  const clusterColumn = useClusterColumn((row: Row) => row);
  const rows = named.map(({ row }) => row);
  return (
    <Table
      caption="virtual machines"
      rows={rows}
      keyOf={({ vm_name: name, source_uuid: sources }) => JSON.stringify([name, sources])}
      columns={[
        { name: 'Machine', cell: ({ vm_name: name }) => name, sum: `All ${rows.length}` },
        ...clusterColumn,
        { name: 'Project', cell: ({ project }) => project, sum: '' },
        { name: 'Node', wide: true, cell: ({ node }) => node, sum: '' },
        {
          name: 'Cost',
          numeric: true,
          cell: ({ cost }) => (priced ? <Money of={shownCost(cost, view.distributed)} /> : '–'),
          sum: priced ? <Money of={shownCost(report.meta.total?.cost, view.distributed)} /> : '–',
        },
        {
          name: 'CPU requested, cores',
          numeric: true,
          cell: ({ request }) => <Amount of={request?.cpu} />,
          sum: '',
        },
        {
          name: 'Memory requested, GiB',
          numeric: true,
          cell: ({ request }) => <Amount of={request?.memory} />,
          sum: '',
        },
      ]}
    />
  );
}

interface GpuRow {
  project: string;
  row: Row;
}

function Gpus({ report, priced }: ReportProps) {
  const rows: GpuRow[] = report.data
    .flatMap(rowsOf)
    .map(({ names, row }) => ({ project: names[1] ?? '', row }));
  const clusterColumn = useClusterColumn(({ row }: GpuRow) => row);
  return (
    <Table
      caption="GPUs by project"
      rows={rows}
      keyOf={({ project, row }) =>
        JSON.stringify([
          row.date,
          row.source_uuid,
          project,
          row.gpu_name,
          row.gpu_count,
          row.cost?.total.value,
        ])
      }
      columns={[
        { name: 'Project', cell: ({ project }) => project, sum: 'All' },
        ...clusterColumn,
        { name: 'Month', wide: true, cell: ({ row }) => row.date, sum: '' },
        {
          name: 'GPU',
          cell: ({ row }) => [row.gpu_vendor, row.gpu_model].filter(Boolean).join(' ') || row.gpu_name,
          sum: '',
        },
        { name: 'Node', wide: true, cell: ({ row }) => row.node, sum: '' },
        {
          name: 'Count',
          numeric: true,
          cell: ({ row }) => <Amount of={row.gpu_count} digits={0} />,
          sum: '',
        },
        { name: 'Memory, GB', numeric: true, cell: ({ row }) => <Amount of={row.gpu_memory} />, sum: '' },
        {
          name: 'Cost',
          numeric: true,
          cell: ({ row }) => (priced ? <Money of={row.cost?.total} /> : '–'),
          sum: priced ? <Money of={report.meta.total?.cost?.total} /> : '–',
        },
      ]}
    />
  );
}

function Volumes({ report, priced }: ReportProps) {
  const lines = groupLines(report).sort(
    (a, b) => numberOf(b.cost) - numberOf(a.cost) || numberOf(b.request) - numberOf(a.request),
  );
  const total = report.meta.total;
  const units = total?.cost?.total.units ?? '';
  const max = Math.max(...lines.flatMap(({ usage, request }) => [numberOf(usage), numberOf(request)]));
  const pair = ({ usage, request }: GroupLine) => (
    <>
      <BarPair used={numberOf(usage)} requested={numberOf(request)} max={max} />
      <small>
        <Quantity of={usage} /> / <Quantity of={request} />
      </small>
    </>
  );
  return (
    <Table
      caption="volumes by project"
      rows={lines}
      keyOf={({ key }) => key}
      columns={[
        { name: 'Project', cell: ({ name }) => name, sum: 'All' },
        {
          name: 'Cost',
          numeric: true,
          cell: ({ cost }) => (priced ? <Sum of={cost} units={units} /> : '–'),
          sum: priced ? <Money of={total?.cost?.total} /> : '–',
        },
        {
          name: 'Requested',
          numeric: true,
          cell: ({ request }) => <Quantity of={request} />,
          sum: <Amount of={total?.request} />,
        },
        {
          name: 'Used',
          numeric: true,
          cell: ({ usage }) => <Quantity of={usage} />,
          sum: <Amount of={total?.usage} />,
        },
        { name: `Used / requested, ${total?.usage?.units ?? ''}`, cell: pair, sum: '' },
      ]}
    />
  );
}
