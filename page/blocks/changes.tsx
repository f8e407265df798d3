import type { Report } from '../answers.ts';
import { isComparable } from '../calls.ts';
import { numberOf } from '../decimal.ts';
import { signedPercent } from '../format.ts';
import { projectLines } from '../lines.ts';
import type { ProjectLine } from '../lines.ts';
import { hasCosts } from '../model.ts';
import { Sum } from '../parts/amounts.tsx';
import { Answers, Block, Notice } from '../parts/block.tsx';
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
    <Block id="changes" title="Changes" question="What moved?" csv={calls.projects}>
      <Answers calls={[projects]}>
        {(costs) => {
          const moved = movedLines(projectLines(costs, view.distributed));
          if (!hasCosts(costs) || moved.length === 0)
            return (
              <Notice>
                <p>No project's cost differs from the period before.</p>
              </Notice>
            );
          return <Changes lines={moved} />;
        }}
      </Answers>
    </Block>
  );
}

function Changes({ lines }: { lines: ProjectLine[] }) {
  const values = lines.map(({ delta }) => (delta === undefined ? 0 : numberOf(delta)));
  const [min, max] = [Math.min(...values, 0), Math.max(...values, 0)];
  return (
    <Table
      caption="the largest increases and decreases in money"
      rows={lines}
      shown={2 * listed}
      keyOf={({ name }) => name}
      columns={[
        { name: 'Project', cell: (line) => <ProjectName line={line} /> },
        {
          name: 'Change',
          numeric: true,
          cell: ({ delta, units }) => (delta === undefined ? '–' : <Sum of={delta} units={units} signed />),
        },
        { name: 'Percent', numeric: true, cell: ({ deltaPercent }) => signedPercent(deltaPercent) },
        {
          name: 'Less or more',
          cell: ({ delta }) => <Bar value={delta === undefined ? 0 : numberOf(delta)} min={min} max={max} />,
        },
      ]}
    />
  );
}

/** The largest increases first, the largest decreases last. */
function movedLines(lines: readonly ProjectLine[]): ProjectLine[] {
  const valueOf = ({ delta }: ProjectLine) => (delta === undefined ? 0 : numberOf(delta));
  const sorted = lines
    .filter((line) => Math.abs(valueOf(line)) >= 0.005)
    .sort((a, b) => valueOf(b) - valueOf(a));
  const up = sorted.filter((line) => valueOf(line) > 0).slice(0, listed);
  const down = sorted.filter((line) => valueOf(line) < 0).slice(-listed);
  return [...up, ...down];
}
