import type { Report } from '../answers.ts';
import { isComparable, projectsBefore } from '../calls.ts';
import { minus, numberOf, plus, zero } from '../decimal.ts';
import { signedPercent } from '../format.ts';
import { agree, projectLines, shown } from '../lines.ts';
import type { ProjectLine } from '../lines.ts';
import { hasCosts } from '../model.ts';
import { Sum, Tag } from '../parts/amounts.tsx';
import { Answers, Block, Loading, Notice, useSeen } from '../parts/block.tsx';
import { useCall, usePage } from '../parts/context.ts';
import type { Call } from '../parts/context.ts';
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
  const gone = useGone(projects.answer, seen);
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
        <Answers calls={[projects]}>
          {(costs) => {
            const lines = projectLines(costs, view.distributed);
            const moved = movedLines([...lines, ...gone.lines]);
            if (moved.length > 0) return <Changes lines={moved} gone={gone.lines} />;
            return (
              <Notice>
                <p>
                  {hasCosts(costs)
                    ? "No project's cost differs from the period before."
                    : '– No costs in these days: no cost model has set prices.'}
                </p>
              </Notice>
            );
          }}
        </Answers>
        {gone.isPending && <Loading of="projects that cost nothing now" />}
        {gone.call.failure !== undefined && (
          <p class="small" role="alert">
            Projects that cost something before, and nothing now, could not be loaded:{' '}
            {gone.call.failure.message}{' '}
            <button type="button" onClick={gone.call.retry}>
              Try again
            </button>
          </p>
        )}
      </Block>
    </div>
  );
}

/**
 * Projects that have cost something in the period before and are not there any more. The rows of an answer are those of
 * now (API §6.6) and its total is about all, so there are some only if the changes do not add up to that of the total.
 */
function useGone(
  costs: Report | undefined,
  seen: boolean,
): { lines: ProjectLine[]; call: Call<Report>; isPending: boolean } {
  const { calls, view } = usePage();
  const days = useCall<Report>(calls.costByDay).answer?.data.map(({ date }) => date) ?? [];
  const lines = costs === undefined ? [] : projectLines(costs, view.distributed);
  const delta = costs?.meta.delta?.value;
  const explained = lines.reduce((sum, line) => plus(sum, line.delta ?? zero), zero);
  const isMissing = delta !== undefined && !agree(explained, delta);
  const call = useCall<Report>(seen && isMissing ? projectsBefore(view, days) : undefined);
  const names = new Set(lines.map(({ name }) => name));
  const before = call.answer === undefined ? [] : projectLines(call.answer, view.distributed);
  const gone = before
    .filter(({ name }) => !names.has(name))
    .map((line) => ({ ...line, delta: minus(zero, shown(line, view.distributed)), deltaPercent: -100 }));
  const isPending = isMissing && (call.answer ?? call.failure) === undefined;
  return { lines: gone, call, isPending };
}

function Changes({ lines, gone }: { lines: ProjectLine[]; gone: readonly ProjectLine[] }) {
  const values = lines.map(({ delta }) => (delta === undefined ? 0 : numberOf(delta)));
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
              {gone.includes(line) && <Tag>no cost now</Tag>}
            </>
          ),
        },
        {
          name: 'Change',
          numeric: true,
          cell: ({ delta, units }) => (delta === undefined ? '–' : <Sum of={delta} units={units} signed />),
        },
        {
          name: 'Percent',
          numeric: true,
          cell: ({ deltaPercent }) =>
            deltaPercent === null ? (
              'new'
            ) : (
              <data value={String(deltaPercent)}>{signedPercent(deltaPercent)}</data>
            ),
        },
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
