import type { Report } from '../answers.ts';
import { numberOf } from '../decimal.ts';
import { usageLines } from '../lines.ts';
import type { UsageLine } from '../lines.ts';
import { hasCosts } from '../model.ts';
import { Amount, Money, Percent, Quantity, Tag } from '../parts/amounts.tsx';
import { Answers, Block, Notice } from '../parts/block.tsx';
import { useCall, usePage } from '../parts/context.ts';
import { Table } from '../parts/table.tsx';
import { BarPair } from '../charts/bars.tsx';
import { ProjectName } from './projects.tsx';

/** What do we pay for and not use? */
export function EfficiencyBlock() {
  const { calls } = usePage();
  const compute = useCall<Report>(calls.compute);
  const memory = useCall<Report>(calls.memory);
  return (
    <Block
      id="efficiency"
      title="Efficiency"
      question="What do we pay for and not use?"
      csv={{ CPU: calls.compute, Memory: calls.memory }}
    >
      <Answers calls={[compute, memory]}>
        {(cpu, ram) => (
          <>
            {(cpu.meta.total?.cost?.raw.value ?? 0) !== 0 && (
              <Notice>
                <p>
                  These costs include the bill of a cloud, which is in CPU and in memory in full. Do not add
                  the two columns of wasted money.
                </p>
              </Notice>
            )}
            <div class="columns">
              <Resource name="CPU" report={cpu} />
              <Resource name="Memory" report={ram} />
            </div>
            <p class="small">
              Upper bar: used, lower bar: requested. More than 100 % means that requests are too small, not
              that this is good; without a request there is no percent.
            </p>
          </>
        )}
      </Answers>
    </Block>
  );
}

function Resource({ name, report }: { name: string; report: Report }) {
  const priced = hasCosts(report);
  const lines = usageLines(report).sort(byWaste);
  const numbers = lines.flatMap(({ usage, request }) => [numberOf(usage), numberOf(request)]);
  const units = report.meta.total?.usage?.units ?? '';
  const score = report.meta.total?.total_score ?? report.meta.total?.score;
  const total = report.meta.total;
  return (
    <div>
      <h3>{name}</h3>
      <Table
        caption={`${name} used and requested by project`}
        rows={lines}
        shown={8}
        keyOf={(line) => line.name}
        columns={[
          { name: 'Project', cell: (line) => <ProjectName line={line} />, sum: 'All' },
          ...(priced
            ? [
                {
                  name: 'Wasted',
                  numeric: true,
                  cell: (line: UsageLine) => <Money of={line.wasted} />,
                  sum: <Money of={score?.wasted_cost} />,
                },
              ]
            : []),
          {
            name: 'Used',
            numeric: true,
            cell: efficiencyOf,
            sum:
              score?.usage_efficiency_percent === undefined || (total?.request?.value ?? 0) === 0 ? (
                '–'
              ) : (
                <Percent of={score.usage_efficiency_percent} />
              ),
          },
          {
            name: `Used / requested, ${units}`,
            cell: (line) => (
              <>
                <BarPair
                  used={numberOf(line.usage)}
                  requested={numberOf(line.request)}
                  max={Math.max(...numbers)}
                />
                <small>
                  <Quantity of={line.usage} /> / <Quantity of={line.request} />
                </small>
              </>
            ),
            sum: (
              <small>
                <Amount of={total?.usage} /> / <Amount of={total?.request} />
              </small>
            ),
          },
        ]}
      />
    </div>
  );
}

function efficiencyOf({ efficiency }: UsageLine) {
  if (efficiency === undefined) return '–';
  return (
    <>
      <Percent of={efficiency} />
      {efficiency > 100 && <Tag>requests too small</Tag>}
    </>
  );
}

/** By money; without prices by what was requested and not used. */
function byWaste(a: UsageLine, b: UsageLine): number {
  const unused = ({ usage, request }: UsageLine) => Math.max(numberOf(request) - numberOf(usage), 0);
  return (b.wasted?.value ?? 0) - (a.wasted?.value ?? 0) || unused(b) - unused(a);
}
