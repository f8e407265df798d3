import type { Report } from '../answers.ts';
import { minus, numberOf, plus, zero } from '../decimal.ts';
import type { Decimal } from '../decimal.ts';
import { agree, given, isPool, poolsOf, projectLines, shareNames, shares } from '../lines.ts';
import type { ProjectLine, Share } from '../lines.ts';
import { hasCosts } from '../model.ts';
import { Money, Sum } from '../parts/amounts.tsx';
import { Answers, Block, Loading, Notice } from '../parts/block.tsx';
import { useCall, useHidesOthers, usePage } from '../parts/context.ts';
import { Table } from '../parts/table.tsx';
import { Step } from '../charts/bars.tsx';

/** Receivers that are listed per pool. */
const listed = 5;

/** What does nobody own? */
export function UnallocatedBlock() {
  const { calls } = usePage();
  const projects = useCall<Report>(calls.projects);
  const hidden = useHidesOthers();
  return (
    <Block
      id="unallocated"
      title="Unallocated"
      question="What does nobody own?"
      csv={hidden === false ? calls.projects : undefined}
    >
      {hidden === undefined && <Loading />}
      {hidden === true && (
        <Notice>
          <p>Not shown: pools are shared with projects beyond your access.</p>
        </Notice>
      )}
      {hidden === false && (
        <Answers calls={[projects]}>
          {(costs) => (hasCosts(costs) ? <Unallocated costs={costs} /> : <p>– No costs in these days.</p>)}
        </Answers>
      )}
    </Block>
  );
}

function Unallocated({ costs }: { costs: Report }) {
  const lines = projectLines(costs, false);
  const { pools } = poolsOf(lines);
  const negative = pools.filter(({ total }) => numberOf(total) < -0.005);
  return (
    <>
      <Waterfall lines={lines} costs={costs} />
      {negative.length > 0 && (
        <p>
          Below zero: {negative.map(({ name }) => name).join(', ')}. Projects used, and were charged for, more
          than their nodes have, so less than nothing is left over.
        </p>
      )}
      {pools.length === 0 ? (
        <p>Nothing in these days is without an owner.</p>
      ) : (
        <>
          <h3>Before and after distribution</h3>
          <Table
            caption="pools before and after distribution"
            rows={pools}
            keyOf={({ name }) => name}
            columns={[
              { name: 'Pool', cell: ({ name }) => name },
              { name: 'Before', numeric: true, cell: ({ total, units }) => <Sum of={total} units={units} /> },
              {
                name: 'Given to projects',
                numeric: true,
                cell: (line) => <Sum of={given(line)} units={line.units} signed />,
              },
              {
                name: 'After',
                numeric: true,
                cell: ({ distributed, units }) => <Sum of={distributed} units={units} />,
              },
            ]}
          />
          <Receivers lines={lines} />
        </>
      )}
    </>
  );
}

interface StepLine {
  name: string;
  from: Decimal;
  to: Decimal;
  amount: Decimal;
  kind: 'up' | 'pool' | 'whole' | 'down';
}

/** From the projects' own costs over the pools to the total. */
function Waterfall({ lines, costs }: { lines: readonly ProjectLine[]; costs: Report }) {
  const { pools } = poolsOf(lines);
  const total = costs.meta.total?.cost?.total;
  const units = total?.units ?? '';
  const own = lines.filter((line) => !isPool(line)).reduce((sum, line) => plus(sum, line.total), zero);
  let reached = own;
  const steps: StepLine[] = [{ name: 'Projects', from: zero, to: own, amount: own, kind: 'up' }];
  for (const { name, total: amount } of pools) {
    const to = plus(reached, amount);
    steps.push({ name, from: reached, to, amount, kind: numberOf(amount) < 0 ? 'down' : 'pool' });
    reached = to;
  }
  const ends = steps.flatMap(({ from, to }) => [numberOf(from), numberOf(to)]);
  const [min, max] = [Math.min(...ends), Math.max(...ends)];
  return (
    <>
      <Table
        caption="from the projects' own costs over the pools to the total"
        rows={steps}
        keyOf={({ name }) => name}
        columns={[
          { name: 'Before distribution', cell: ({ name }) => name, sum: 'Total' },
          {
            name: 'Cost',
            numeric: true,
            cell: ({ amount }) => <Sum of={amount} units={units} />,
            sum: <Money of={total} />,
          },
          {
            name: 'Adds up to',
            cell: ({ from, to, kind }) => (
              <Step from={numberOf(from)} to={numberOf(to)} {...{ min, max, kind }} />
            ),
            sum: <Step from={0} to={total?.value ?? 0} {...{ min, max }} kind="whole" />,
          },
        ]}
      />
      {!agree(reached, total?.value ?? 0) && (
        <Notice kind="warn">
          <p>The parts do not add up to the total.</p>
        </Notice>
      )}
    </>
  );
}

function Receivers({ lines }: { lines: readonly ProjectLine[] }) {
  const used = shares.filter((share) => lines.some((line) => numberOf(line.shares[share]) > 0));
  if (used.length === 0) return <p class="small">Nothing was distributed: each pool keeps its cost.</p>;
  return (
    <>
      <h3>To whom it went</h3>
      <div class="columns">
        {used.map((share) => (
          <ReceiversOf key={share} share={share} lines={lines} />
        ))}
      </div>
    </>
  );
}

function ReceiversOf({ share, lines }: { share: Share; lines: readonly ProjectLine[] }) {
  const receivers = lines
    .filter((line) => numberOf(line.shares[share]) > 0)
    .sort((a, b) => numberOf(minus(b.shares[share], a.shares[share])));
  const sum = receivers.reduce((all, line) => plus(all, line.shares[share]), zero);
  const units = receivers[0]?.units ?? '';
  return (
    <div>
      <Table
        caption={`receivers of ${shareNames[share]}`}
        rows={receivers}
        shown={listed}
        keyOf={({ name }) => name}
        columns={[
          { name: shareNames[share], cell: ({ name }) => name, sum: `All ${receivers.length}` },
          {
            name: 'Received',
            numeric: true,
            cell: (line) => <Sum of={line.shares[share]} units={line.units} />,
            sum: <Sum of={sum} units={units} />,
          },
        ]}
      />
    </div>
  );
}
