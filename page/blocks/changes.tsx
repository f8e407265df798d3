import type { Report } from '../answers.ts';
import { isComparable } from '../calls.ts';
import { unlisted } from '../changes.ts';
import type { ChangedLine } from '../changes.ts';
import { numberOf } from '../decimal.ts';
import { signedPercent } from '../format.ts';
import { hasCosts } from '../model.ts';
import { Sum, Tag } from '../parts/amounts.tsx';
import { Answers, Block, Loading, Notice, useSeen } from '../parts/block.tsx';
import { NotCompared, useChanges } from '../parts/changes.tsx';
import { useCall, usePage } from '../parts/context.ts';
import { Table } from '../parts/table.tsx';
import { Bar } from '../charts/bars.tsx';
import { ProjectName } from './projects.tsx';

/** Increases, and decreases, that are listed. */
const listed = 5;

/** What moved? */
export function ChangesBlock() {
  const { calls, view } = usePage();
  const projects = useCall<Report>(calls.projects);
  const { ref, seen } = useSeen();
  if (!isComparable(view))
    return (
      <Block id="changes" title="Changes" question="What moved?">
        <Notice>
          <p>
            Days chosen by hand have no period before to compare with. Choose a month or the last 10, 30 or 90
            days to see changes.
          </p>
        </Notice>
      </Block>
    );
  return (
    <div ref={ref}>
      <Block id="changes" title="Changes" question="What moved?" csv={calls.projects}>
        <Answers calls={[projects]}>{(costs) => <Moved costs={costs} isSeen={seen} />}</Answers>
      </Block>
    </div>
  );
}

function Moved({ costs, isSeen }: { costs: Report; isSeen: boolean }) {
  const { view } = usePage();
  const { lines, gone, before, isPending, needs } = useChanges(costs, isSeen ? 'gone' : undefined);
  const all = [...lines, ...gone];
  const moved = movedLines(all);
  const isKnown = !needs.gone || before.answer !== undefined;
  const rest = isKnown ? unlisted(costs, all, view.distributed) : undefined;
  return (
    <>
      {moved.length > 0 && <Changes lines={moved} />}
      {moved.length === 0 && isKnown && (
        <Notice>
          <p>
            {hasCosts(costs)
              ? "No project's cost differs from the period before."
              : '– No costs in these days: no cost model has set prices.'}
          </p>
        </Notice>
      )}
      {rest !== undefined && (
        <p class="small not-in-rows">
          The cost of all has changed by{' '}
          <Sum of={rest} units={costs.meta.total?.cost?.total.units ?? ''} signed /> more than that of the
          projects: of days that are not kept any more, or because costs were computed while this page was
          loaded.
        </p>
      )}
      {(isPending || (needs.gone && !isSeen)) && <Loading of="costs of the period before" />}
      <NotCompared call={before} />
    </>
  );
}

function Changes({ lines }: { lines: ChangedLine[] }) {
  const values = lines.map(valueOf);
  const [min, max] = [Math.min(...values, 0), Math.max(...values, 0)];
  return (
    <Table
      caption="the largest increases and decreases in money"
      rows={lines}
      shown={2 * listed}
      keyOf={({ name }) => name}
      columns={[
        {
          name: 'Project',
          cell: (line) => (
            <>
              <ProjectName line={line} />
              {line.isGone && <Tag>no cost now</Tag>}
            </>
          ),
        },
        {
          name: 'Change',
          numeric: true,
          cell: ({ change, units }) => change && <Sum of={change.value} units={units} signed />,
        },
        {
          name: 'Percent',
          numeric: true,
          cell: ({ change }) =>
            change === undefined || change.percent === null ? (
              'new'
            ) : (
              <data value={String(change.percent)}>{signedPercent(change.percent)}</data>
            ),
        },
        {
          name: 'Less or more',
          cell: (line) => <Bar value={valueOf(line)} min={min} max={max} />,
        },
      ]}
    />
  );
}

/** The largest increases first, the largest decreases last. */
function movedLines(lines: readonly ChangedLine[]): ChangedLine[] {
  const sorted = lines
    .filter((line) => Math.abs(valueOf(line)) >= 0.005)
    .sort((a, b) => valueOf(b) - valueOf(a));
  const up = sorted.filter((line) => valueOf(line) > 0).slice(0, listed);
  const down = sorted.filter((line) => valueOf(line) < 0).slice(-listed);
  return [...up, ...down];
}

function valueOf({ change }: ChangedLine): number {
  return change === undefined ? 0 : numberOf(change.value);
}
