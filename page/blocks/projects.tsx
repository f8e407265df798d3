import type { Report } from '../answers.ts';
import { isComparable } from '../calls.ts';
import { numberOf, plus, zero } from '../decimal.ts';
import { unlisted } from '../changes.ts';
import type { ChangedLine } from '../changes.ts';
import { signedPercent } from '../format.ts';
import { agree, isPool, shown, shownCost, usageLines } from '../lines.ts';
import type { ProjectLine, UsageLine } from '../lines.ts';
import { hasCosts } from '../model.ts';
import { Money, Percent, Sum, Tag } from '../parts/amounts.tsx';
import { Answers, Block, Notice } from '../parts/block.tsx';
import { NotCompared, useChanges } from '../parts/changes.tsx';
import type { KnownChanges } from '../parts/changes.tsx';
import { useCall, usePage } from '../parts/context.ts';
import { Table } from '../parts/table.tsx';
import type { Column } from '../parts/table.tsx';
import { Bar } from '../charts/bars.tsx';
import { ProjectDetails } from './project-details.tsx';

/** Who? */
export function ProjectsBlock() {
  const { calls } = usePage();
  const projects = useCall<Report>(calls.projects);
  const compute = useCall<Report>(calls.compute);
  const memory = useCall<Report>(calls.memory);
  return (
    <Block id="projects" title="Projects" question="Who causes the cost?" csv={calls.projects}>
      <Answers calls={[projects, compute, memory]}>
        {(costs, cpu, ram) => <Projects costs={costs} cpu={usageLines(cpu)} memory={usageLines(ram)} />}
      </Answers>
    </Block>
  );
}

/** Overhead and platform namespaces are told apart from those of users. */
export function ProjectName({ line }: { line: Pick<ProjectLine, 'name' | 'classification' | 'sources'> }) {
  const { length } = line.sources;
  return (
    <>
      {line.name}
      {line.classification === 'default' && <Tag>default</Tag>}
      {isPool(line) && <Tag>overhead</Tag>}
      {length > 1 && <Tag>{length} clusters</Tag>}
    </>
  );
}

function Projects({ costs, cpu, memory }: { costs: Report; cpu: UsageLine[]; memory: UsageLine[] }) {
  const { view } = usePage();
  const priced = hasCosts(costs);
  const compared = isComparable(view) && priced;
  const changes = useChanges(costs, compared ? 'lines' : undefined);
  const { lines } = changes;
  const total = shownCost(costs.meta.total?.cost, view.distributed);
  const numbers = lines.map((line) => numberOf(shown(line, view.distributed)));
  const [min, max] = [Math.min(...numbers, 0), Math.max(...numbers, 0)];
  const usage = (list: UsageLine[]) => new Map(list.map((line) => [line.name, line]));
  const [byCpu, byMemory] = [usage(cpu), usage(memory)];
  const efficiency = (line: UsageLine | undefined) =>
    line?.efficiency === undefined ? '–' : <Percent of={line.efficiency} />;
  const change: Column<ChangedLine> = {
    name: 'Change',
    numeric: true,
    cell: (line) => (changes.isPending && line.change === undefined ? '…' : <ChangeOf line={line} />),
    sum:
      costs.meta.delta === undefined ? (
        '–'
      ) : (
        <Money of={{ value: costs.meta.delta.value, units: total?.units ?? '' }} signed />
      ),
  };
  const columns: Column<ChangedLine>[] = [
    { name: 'Project', cell: (line) => <ProjectName line={line} />, sum: `All ${lines.length}` },
    {
      name: 'Cost',
      numeric: true,
      cell: (line) => (priced ? <Sum of={shown(line, view.distributed)} units={line.units} /> : '–'),
      sum: priced ? <Money of={total} /> : '–',
    },
    {
      name: 'Share',
      wide: true,
      cell: (line) => <Bar value={numberOf(shown(line, view.distributed))} min={min} max={max} />,
      sum: '',
    },
    ...(compared ? [change] : []),
    { name: 'CPU used', numeric: true, cell: (line) => efficiency(byCpu.get(line.name)), sum: '' },
    { name: 'Memory used', numeric: true, cell: (line) => efficiency(byMemory.get(line.name)), sum: '' },
    ...(priced
      ? [
          {
            name: 'CPU wasted',
            numeric: true,
            cell: (line: ProjectLine) => <Money of={byCpu.get(line.name)?.wasted} />,
            sum: '',
          },
          {
            name: 'Memory wasted',
            numeric: true,
            cell: (line: ProjectLine) => <Money of={byMemory.get(line.name)?.wasted} />,
            sum: '',
          },
        ]
      : []),
  ];
  return (
    <>
      {priced && costs.meta.distributed_overhead === false && view.distributed && (
        <p class="small">Nothing is distributed in these days, so each project shows its own cost.</p>
      )}
      <Table
        caption="costs by project"
        columns={columns}
        rows={lines}
        keyOf={({ name }) => name}
        details={(line) => <ProjectDetails line={line} priced={priced} />}
      />
      {!agree(sumOfLines(lines, view.distributed), total?.value ?? 0) && (
        <Notice kind="warn">
          <p>
            The rows do not add up to the total. Load the page again; if it stays, tell whoever runs this
            server.
          </p>
        </Notice>
      )}
      {compared && <NotInRows costs={costs} changes={changes} />}
      <p class="small">
        "Used" is what was used of the request; – where nothing was requested. Choose a project to see what it
        received of shared costs, its nodes, machines and volumes.
      </p>
    </>
  );
}

function ChangeOf({ line: { change, units } }: { line: ChangedLine }) {
  if (change === undefined) return <>–</>;
  const isNothing = change.percent === null && numberOf(change.value) === 0;
  return (
    <>
      <Sum of={change.value} units={units} signed />
      <small> {isNothing ? '' : signedPercent(change.percent)}</small>
    </>
  );
}

/** The rest of the total's change: that of projects without a row, or of those that could not be compared. */
function NotInRows({ costs, changes }: { costs: Report; changes: KnownChanges }) {
  const { view } = usePage();
  const { lines, before, isPending } = changes;
  if (before.failure !== undefined) return <NotCompared call={before} />;
  const rest = isPending ? undefined : unlisted(costs, lines, view.distributed);
  if (rest === undefined) return null;
  return (
    <p class="small not-in-rows">
      Projects that cost something before, and nothing now, are not listed here: their change is{' '}
      <Sum of={rest} units={costs.meta.total?.cost?.total.units ?? ''} signed />. See{' '}
      <a href="#changes">Changes</a>.
    </p>
  );
}

function sumOfLines(lines: readonly ProjectLine[], distributed: boolean) {
  return lines.map((line) => shown(line, distributed)).reduce(plus, zero);
}
