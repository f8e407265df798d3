import { rowsOf } from '../answers.ts';
import type { Report } from '../answers.ts';
import { decimalOf, minus, numberOf, plus, zero } from '../decimal.ts';
import type { Decimal } from '../decimal.ts';
import { groupLines, isPool, projectLines, shareNames, shares, shown, shownCost } from '../lines.ts';
import type { ProjectLine } from '../lines.ts';
import { Money, Quantity, Sum } from '../parts/amounts.tsx';
import { Answers } from '../parts/block.tsx';
import { useCall, usePage } from '../parts/context.ts';
import { Table } from '../parts/table.tsx';
import type { Column } from '../parts/table.tsx';

/** Where the cost of one project comes from; every table adds up to its cost. */
export function ProjectDetails({ line, priced }: { line: ProjectLine; priced: boolean }) {
  const { calls } = usePage();
  const paths = calls.project(line.name);
  const nodes = useCall<Report>(paths.nodes);
  const vms = useCall<Report>(paths.vms);
  const volumes = useCall<Report>(paths.volumes);
  return (
    <div class="project-details">
      {priced && <Made line={line} />}
      {priced && <Answers calls={[nodes]}>{(report) => <Nodes line={line} report={report} />}</Answers>}
      {paths.vms !== undefined && (
        <Answers calls={[vms]}>
          {(report) => <Machines line={line} report={report} priced={priced} />}
        </Answers>
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

function Nodes({ line, report }: { line: ProjectLine; report: Report }) {
  const { view } = usePage();
  return (
    <Table
      caption={`nodes of ${line.name}`}
      rows={projectLines(report, view.distributed)}
      keyOf={({ name }) => name}
      columns={[
        { name: 'Node', cell: ({ name }) => (name === 'No-node' ? 'on no node' : name), sum: 'All' },
        {
          name: 'Cost',
          numeric: true,
          cell: (node) => <Sum of={shown(node, view.distributed)} units={node.units} />,
          sum: <Money of={shownCost(report.meta.total?.cost, view.distributed)} />,
        },
      ]}
    />
  );
}

/** A part of a project: a machine, a claim, or all that is none of them. */
interface Part {
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
  return [...parts, { name, cost: rest, request: undefined, usage: undefined }];
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

function Machines({ line, report, priced }: { line: ProjectLine; report: Report; priced: boolean }) {
  const { view } = usePage();
  const machines = report.data.flatMap(rowsOf).map(({ row }) => ({
    name: row.vm_name ?? '',
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
      keyOf={({ name }) => name}
      columns={[
        { name: 'Machine', cell: ({ name }) => name, sum: priced ? 'All' : undefined },
        quantity('CPU requested, cores', ({ request }) => request),
        ...(priced ? [costColumn(line, total)] : []),
      ]}
    />
  );
}

function Volumes({ line, report, priced }: { line: ProjectLine; report: Report; priced: boolean }) {
  const { view } = usePage();
  const claims = groupLines(report).map(({ name, cost, request, usage }) => ({ name, cost, request, usage }));
  if (claims.length === 0) return null;
  const total = shown(line, view.distributed);
  const name = view.distributed ? 'all but volumes, and shared costs' : 'all but volumes';
  return (
    <Table
      caption={`volumes of ${line.name}`}
      rows={priced ? withRest(claims, total, name) : claims}
      keyOf={(part) => part.name}
      columns={[
        { name: 'Volume claim', cell: (part) => part.name, sum: priced ? 'All' : undefined },
        quantity('Requested, GiB-months', ({ request }) => request),
        quantity('Used, GiB-months', ({ usage }) => usage),
        ...(priced ? [costColumn(line, total)] : []),
      ]}
    />
  );
}
