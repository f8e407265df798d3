import type { NamedRow, Report } from '../answers.ts';
import { decimalOf, minus, numberOf, plus, zero } from '../decimal.ts';
import type { Decimal } from '../decimal.ts';
import {
  apartLines,
  groupLines,
  isPool,
  projectLines,
  shareNames,
  shares,
  shown,
  shownCost,
} from '../lines.ts';
import type { ProjectLine } from '../lines.ts';
import { clusterNames } from '../model.ts';
import { Money, Quantity, Sum } from '../parts/amounts.tsx';
import { useApart } from '../parts/apart.ts';
import { Answers } from '../parts/block.tsx';
import { useCall, usePage } from '../parts/context.ts';
import { Table } from '../parts/table.tsx';
import type { Column } from '../parts/table.tsx';

/** Where the cost of one project comes from; every table adds up to its cost. */
export function ProjectDetails({ line, priced }: { line: ProjectLine; priced: boolean }) {
  const { calls } = usePage();
  const paths = calls.project(line.name);
  const nodes = useCall<Report>(paths.nodes);
  const clusters = useCall<Report>(line.sources.length > 1 ? paths.clusters : undefined);
  const nodesApart = useApart(paths.nodes);
  const vms = useApart(paths.vms);
  const volumes = useCall<Report>(paths.volumes);
  return (
    <div class="project-details">
      {priced && <Made line={line} />}
      {priced && line.sources.length > 1 && (
        <Answers calls={[clusters]}>{(report) => <Clusters line={line} report={report} />}</Answers>
      )}
      {priced && (
        <Answers calls={[nodes, nodesApart]}>
          {(report, rows) => <Nodes line={line} report={report} rows={rows} />}
        </Answers>
      )}
      {paths.vms !== undefined && (
        <Answers calls={[vms]}>{(rows) => <Machines line={line} rows={rows} priced={priced} />}</Answers>
      )}
      <Answers calls={[volumes]}>
        {(report) => <Volumes line={line} report={report} priced={priced} />}
      </Answers>
    </div>
  );
}

function Made({ line }: { line: ProjectLine }) {
  const received = shares.filter((share) => numberOf(line.shares[share]) !== 0);
  return (
    <table>
      <caption>What the cost is made of</caption>
      <tbody>
        <tr>
          <th scope="row">Own cost</th>
          <td class="number">
            <Sum of={line.total} units={line.units} />
          </td>
        </tr>
        {received.map((share) => (
          <tr key={share}>
            <th scope="row">{isPool(line) ? 'Given away' : `Share of ${shareNames[share]}`}</th>
            <td class="number">
              <Sum of={line.shares[share]} units={line.units} signed />
            </td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">With shared costs</th>
          <td class="number">
            <Sum of={line.distributed} units={line.units} />
          </td>
        </tr>
      </tfoot>
    </table>
  );
}

interface Placed {
  sources: readonly string[];
}

/** Which cluster a part is in, for a project that is in several: they may have parts of one name. */
function useClusterColumn<T extends Placed>({ sources: all }: ProjectLine): Column<T>[] {
  const { status } = usePage();
  if (all.length < 2) return [];
  return [{ name: 'Cluster', cell: ({ sources }) => clusterNames(sources, status), sum: '' }];
}

function keyOf({ name, sources }: Placed & { name: string }): string {
  return JSON.stringify([name, sources]);
}

function Clusters({ line, report }: { line: ProjectLine; report: Report }) {
  const { view, status } = usePage();
  return (
    <Table
      caption={`clusters of ${line.name}`}
      rows={projectLines(report, view.distributed)}
      keyOf={keyOf}
      columns={[
        { name: 'Cluster', cell: ({ sources }) => clusterNames(sources, status), sum: 'All' },
        costOfLine(report, view.distributed),
      ]}
    />
  );
}

function costOfLine(report: Report, distributed: boolean): Column<ProjectLine> {
  return {
    name: 'Cost',
    numeric: true,
    cell: (part) => <Sum of={shown(part, distributed)} units={part.units} />,
    sum: <Money of={shownCost(report.meta.total?.cost, distributed)} />,
  };
}

function Nodes({ line, report, rows }: { line: ProjectLine; report: Report; rows: readonly NamedRow[] }) {
  const { view } = usePage();
  return (
    <Table
      caption={`nodes of ${line.name}`}
      rows={apartLines(rows, view.distributed)}
      keyOf={keyOf}
      columns={[
        { name: 'Node', cell: ({ name }) => (name === 'No-node' ? 'on no node' : name), sum: 'All' },
        ...useClusterColumn<ProjectLine>(line),
        costOfLine(report, view.distributed),
      ]}
    />
  );
}

/** A part of a project: a machine, a claim, or all that is none of them. */
interface Part extends Placed {
  name: string;
  cost: Decimal;
  request: Decimal | undefined;
  usage: Decimal | undefined;
}

/** The parts with the rest of the project, so that they add up to its cost. */
function withRest(parts: readonly Part[], total: Decimal, name: string): Part[] {
  const rest = minus(
    total,
    parts.reduce((sum, { cost }) => plus(sum, cost), zero),
  );
  return [...parts, { name, sources: [], cost: rest, request: undefined, usage: undefined }];
}

/** Costs of parts, and at the foot that of the project. */
function costColumn(line: ProjectLine, total: Decimal): Column<Part> {
  return {
    name: 'Cost',
    numeric: true,
    cell: ({ cost }) => <Sum of={cost} units={line.units} />,
    sum: <Sum of={total} units={line.units} />,
  };
}

function quantity(name: string, pick: (part: Part) => Decimal | undefined): Column<Part> {
  return {
    name,
    numeric: true,
    cell: (part) => {
      const value = pick(part);
      return value === undefined ? '' : <Quantity of={value} />;
    },
    sum: '',
  };
}

interface MachinesProps {
  line: ProjectLine;
  rows: readonly NamedRow[];
  priced: boolean;
}

function Machines({ line, rows, priced }: MachinesProps) {
  const { view } = usePage();
  const clusterColumn = useClusterColumn<Part>(line);
  const machines = rows.map(({ row }) => ({
    name: row.vm_name ?? '',
    sources: row.source_uuid ?? [],
    cost: decimalOf(shownCost(row.cost, view.distributed)?.value ?? 0),
    request: decimalOf(row.request?.cpu?.value ?? 0),
    usage: undefined,
  }));
  if (machines.length === 0) return null;
  const total = shown(line, view.distributed);
  return (
    <Table
      caption={`machines of ${line.name}`}
      rows={priced ? withRest(machines, total, 'all but machines') : machines}
      keyOf={keyOf}
      columns={[
        { name: 'Machine', cell: ({ name }) => name, sum: priced ? 'All' : undefined },
        ...clusterColumn,
        quantity('CPU requested, cores', ({ request }) => request),
        ...(priced ? [costColumn(line, total)] : []),
      ]}
    />
  );
}

function Volumes({ line, report, priced }: { line: ProjectLine; report: Report; priced: boolean }) {
  const { view } = usePage();
  const clusterColumn = useClusterColumn<Part>(line);
  const claims = groupLines(report);
  if (claims.length === 0) return null;
  const total = shown(line, view.distributed);
  const name = view.distributed ? 'all but volumes, and shared costs' : 'all but volumes';
  return (
    <Table
      caption={`volumes of ${line.name}`}
      rows={priced ? withRest(claims, total, name) : claims}
      keyOf={keyOf}
      columns={[
        { name: 'Volume claim', cell: (part) => part.name, sum: priced ? 'All' : undefined },
        ...clusterColumn,
        quantity('Requested, GiB-months', ({ request }) => request),
        quantity('Used, GiB-months', ({ usage }) => usage),
        ...(priced ? [costColumn(line, total)] : []),
      ]}
    />
  );
}
