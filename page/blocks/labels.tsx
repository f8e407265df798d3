import type { Report, TagList } from '../answers.ts';
import { numberOf } from '../decimal.ts';
import { groupLines } from '../lines.ts';
import type { GroupLine } from '../lines.ts';
import { hasCosts, hidesOthers } from '../model.ts';
import { Money, Quantity, Sum } from '../parts/amounts.tsx';
import { Answers, Block, Notice, useSeen } from '../parts/block.tsx';
import { useCall, usePage } from '../parts/context.ts';
import { Table } from '../parts/table.tsx';
import { Bar } from '../charts/bars.tsx';

/** Which team or product? */
export function LabelsBlock() {
  const { calls, view, setView } = usePage();
  const { ref, seen } = useSeen();
  const keys = useCall<TagList>(seen ? calls.labelKeys : undefined);
  const list = keys.answer?.data ?? [];
  const key = view.label !== undefined && list.includes(view.label) ? view.label : list[0];
  const costs = useCall<Report>(key === undefined ? undefined : calls.label(key));
  return (
    <div ref={ref}>
      <Block
        id="labels"
        title="Labels"
        question="Which team or product?"
        csv={key === undefined ? undefined : calls.label(key)}
      >
        <Answers calls={[keys]}>
          {({ meta }) =>
            meta.count === 0 || key === undefined ? (
              <Notice>
                <p>
                  No label key is enabled that these days have. Enable one, for example <code>team</code>,
                  with <code>ocp-pipeline tags enable</code>; costs are then shown by its values.
                </p>
              </Notice>
            ) : (
              <>
                <label class="inline">
                  Label key
                  <select value={key} onChange={(event) => setView({ label: event.currentTarget.value })}>
                    {list.map((name) => (
                      <option key={name}>{name}</option>
                    ))}
                  </select>
                </label>
                <Answers calls={[costs]}>{(report) => <Labels report={report} label={key} />}</Answers>
              </>
            )
          }
        </Answers>
      </Block>
    </div>
  );
}

function Labels({ report, label }: { report: Report; label: string }) {
  const { status } = usePage();
  if (!hasCosts(report))
    return (
      <Notice>
        <p>– No costs in these days: no cost model has set prices.</p>
      </Notice>
    );
  const untagged = `No-${label}`;
  const total = report.meta.total?.cost?.total;
  const lines = groupLines(report).sort(
    (a, b) =>
      Number(b.name === untagged) - Number(a.name === untagged) || numberOf(b.cost) - numberOf(a.cost),
  );
  const values = lines.map(({ cost }) => numberOf(cost));
  const [min, max] = [Math.min(...values, 0), Math.max(...values, 0)];
  const share = (value: number) =>
    total === undefined || total.value === 0 ? (
      '–'
    ) : (
      <>
        <Quantity of={(value / total.value) * 100} /> %
      </>
    );
  return (
    <>
      <Table
        caption={`costs by the values of ${label}`}
        rows={lines}
        keyOf={({ key }) => key}
        columns={[
          {
            name: label,
            cell: ({ name }) => (name === untagged ? <em>without {label}</em> : name),
            sum: 'All',
          },
          {
            name: 'Cost',
            numeric: true,
            cell: ({ cost }) => <Sum of={cost} units={total?.units ?? ''} />,
            sum: <Money of={total} />,
          },
          ...(hidesOthers(status)
            ? []
            : [
                {
                  name: 'Of all',
                  numeric: true,
                  cell: ({ cost }: GroupLine) => share(numberOf(cost)),
                  sum: '',
                },
              ]),
          { name: 'Share', cell: ({ cost }) => <Bar value={numberOf(cost)} min={min} max={max} />, sum: '' },
        ]}
      />
      <p class="small">Costs before shared costs are distributed: a share of a pool has no label.</p>
    </>
  );
}
