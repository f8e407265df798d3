import type { Report } from '../answers.ts';
import { numberOf } from '../decimal.ts';
import { groupLines } from '../lines.ts';
import type { GroupLine } from '../lines.ts';
import { clusterNames, hasCosts } from '../model.ts';
import { Money, Quantity, Sum } from '../parts/amounts.tsx';
import { useHasSeveral } from '../parts/apart.ts';
import { Answers, Block, Notice, useSeen } from '../parts/block.tsx';
import { useCall, useHidesOthers, usePage } from '../parts/context.ts';
import { Table } from '../parts/table.tsx';
import { NodeBar } from '../charts/bars.tsx';

/** Is the cluster too large? */
export function NodesBlock() {
  const { calls } = usePage();
  const { ref, seen } = useSeen();
  const hidden = useHidesOthers();
  const asked = (path: string) => (seen && hidden === false ? path : undefined);
  const compute = useCall<Report>(asked(calls.nodeCompute));
  const memory = useCall<Report>(asked(calls.nodeMemory));
  const costs = useCall<Report>(asked(calls.nodeCosts));
  const unallocated = useCall<Report>(asked(calls.nodeUnallocated));
  return (
    <div ref={ref}>
      <Block
        id="nodes"
        title="Nodes"
        question="Is the cluster too large?"
        csv={
          hidden !== false
            ? undefined
            : { Costs: calls.nodeCosts, CPU: calls.nodeCompute, Memory: calls.nodeMemory }
        }
      >
        {hidden === true ? (
          <Notice>
            <p>Not shown: your access covers a part of the clusters, and nodes are shared with others.</p>
          </Notice>
        ) : (
          <Answers calls={[compute, memory, costs, unallocated]}>
            {(...reports) => <Nodes reports={reports} />}
          </Answers>
        )}
      </Block>
    </div>
  );
}

function Nodes({
  reports: [compute, memory, costs, unallocated],
}: {
  reports: [Report, Report, Report, Report];
}) {
  const { status } = usePage();
  const several = useHasSeveral();
  const priced = hasCosts(costs);
  const byKey = (report: Report) => new Map(groupLines(report).map((line) => [line.key, line]));
  const [cpu, ram, idle] = [byKey(compute), byKey(memory), byKey(unallocated)];
  const lines = groupLines(costs).sort((a, b) => numberOf(b.cost) - numberOf(a.cost));
  const units = costs.meta.total?.cost?.total.units ?? '';
  const usage = (name: string, of: Map<string, GroupLine>, report: Report) => ({
    name: `${name}, ${report.meta.total?.usage?.units ?? ''}`,
    cell: ({ key }: GroupLine) => <Capacity line={of.get(key)} all={[...of.values()]} />,
    sum: '',
  });
  return (
    <>
      <Table
        caption="nodes: used, requested and capacity, with their cost"
        rows={lines}
        keyOf={({ key }) => key}
        columns={[
          { name: 'Node', cell: ({ name }) => (name === 'No-node' ? 'on no node' : name), sum: 'All' },
          ...(several
            ? [
                {
                  name: 'Cluster',
                  cell: ({ sources }: GroupLine) => clusterNames(sources, status),
                  sum: '',
                },
              ]
            : []),
          ...(priced
            ? [
                {
                  name: 'Cost',
                  numeric: true,
                  cell: ({ cost }: GroupLine) => <Sum of={cost} units={units} />,
                  sum: <Money of={costs.meta.total?.cost?.total} />,
                },
                {
                  name: 'Of it unallocated',
                  numeric: true,
                  cell: ({ key }: GroupLine) => {
                    const line = idle.get(key);
                    return line === undefined ? '–' : <Sum of={line.cost} units={units} />;
                  },
                  sum: <Money of={unallocated.meta.total?.cost?.total} />,
                },
              ]
            : []),
          usage('CPU', cpu, compute),
          usage('Memory', ram, memory),
        ]}
      />
      <p class="small">
        Outer bar: capacity, middle: requested, inner: used. Costs are those before distribution. "Of it
        unallocated" is the cost of capacity that no project requested.
      </p>
    </>
  );
}

function Capacity({ line, all }: { line: GroupLine | undefined; all: readonly GroupLine[] }) {
  if (line === undefined) return <>–</>;
  const [used, requested, capacity] = [line.usage, line.request, line.capacity].map(numberOf) as [
    number,
    number,
    number,
  ];
  const max = Math.max(...all.map((other) => Math.max(numberOf(other.capacity), numberOf(other.request))));
  return (
    <>
      <NodeBar {...{ used, requested, capacity, max }} />
      <small>
        <Quantity of={used} /> / <Quantity of={requested} /> / <Quantity of={capacity} />
      </small>
    </>
  );
}
