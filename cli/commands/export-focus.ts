import { basename } from 'node:path';
import type { Argv } from 'yargs';
import { PipelineError } from '../../domain/failures/failures.ts';
import { isBillingMonth, usageDayOf } from '../../domain/time/usage-day.ts';
import { focusVersions } from '../../focus/columns.ts';
import type { FocusVersion } from '../../focus/columns.ts';
import { exportToFile, exportToStream, formatOf } from '../../focus/export-file.ts';
import type { Exported, ExportRequest } from '../../focus/export-month.ts';
import { layers } from '../../focus/line.ts';
import type { Layer, LineContext } from '../../focus/line.ts';
import { clock } from '../../platform/config/config.ts';
import { findSource, schemaOf } from '../../platform/tenants/sources.ts';
import type { Command } from '../command.ts';
import { formatNumber } from '../output.ts';
import type { Output } from '../output.ts';
import { openServices } from '../services.ts';
import { stopSignal } from '../stop-signal.ts';

interface Options {
  org: string;
  month: string;
  cluster: string | undefined;
  output: string;
  billed: LineContext['billed'];
  provider: string;
  issuer: string | undefined;
  layers: string;
  focusVersion: FocusVersion;
  closedOnly: boolean;
  allowResidue: boolean;
}

export const exportFocusCommand: Command<Options> = {
  options: (parser): Argv<Options> =>
    parser
      .option('org', { type: 'string', demandOption: true, describe: 'organisation id' })
      .option('month', { type: 'string', demandOption: true, describe: 'month, YYYY-MM' })
      .option('cluster', { type: 'string', describe: 'cluster id (default: all of the organisation)' })
      .option('output', {
        alias: 'o',
        type: 'string',
        demandOption: true,
        describe: 'FILE.csv or FILE.parquet, replaced whole; - for CSV on standard output',
      })
      .option('billed', {
        type: 'string',
        choices: ['chargeback', 'showback'] as const,
        default: 'chargeback',
        describe: 'showback: BilledCost is 0, the cost is in the other three',
      })
      .option('provider', { type: 'string', default: 'OpenShift', describe: 'ServiceProviderName' })
      .option('issuer', { type: 'string', describe: 'InvoiceIssuerName (default: the provider)' })
      .option('layers', {
        type: 'string',
        default: layers.join(','),
        describe: 'what is written; leave out cloud and markup where the cloud sends its own file',
      })
      .option('focus-version', {
        type: 'string',
        choices: focusVersions,
        default: '1.3',
        describe: 'version of the specification',
      })
      .option('closed-only', {
        type: 'boolean',
        default: false,
        describe: 'fail if a day of the month is incomplete',
      })
      .option('allow-residue', {
        type: 'boolean',
        default: false,
        describe: 'also write costs that the prices of now do not explain, as lines of their own',
      }) as unknown as Argv<Options>,
  run: async (options, output) => {
    const checked = requestOf(options);
    if (options.output !== '-') formatOf(options.output);
    const stop = stopSignal();
    const services = await openServices(output.say, { migrate: 'public' });
    try {
      const request = { ...checked, today: usageDayOf(clock(services.config)()) };
      const schema = await schemaOf(services.pool, options.org);
      if (options.cluster !== undefined) await findSource(services.pool, options.org, options.cluster);
      const progress = progressOf(output);
      if (options.output === '-') {
        const exported = await exportToStream(services.pool, schema, request, process.stdout, progress, stop);
        for (const line of remarksOf(exported, request)) output.say(line);
        // Standard output is the file, so what is known of it goes where errors do, as one line.
        output.say(
          output.json
            ? JSON.stringify({ file: '-', ...factsOf(exported, request) })
            : summaryOf(exported, 'standard output'),
        );
        return 0;
      }
      const exported = await exportToFile(services.pool, schema, request, options.output, progress, stop);
      for (const line of remarksOf(exported, request)) output.say(line);
      output.result(
        `${summaryOf(exported, options.output)}\n` +
          `Metadata: ${options.output}.meta.json; SHA-256 ${exported.artifact.Sha256}`,
        {
          file: options.output,
          metadata: `${options.output}.meta.json`,
          sha256: exported.artifact.Sha256,
          ...factsOf(exported, request),
        },
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};

function requestOf(options: Options): Omit<ExportRequest, 'today'> {
  if (!isBillingMonth(options.month))
    throw new PipelineError('UsageError', `--month: expected YYYY-MM, found "${options.month}"`);
  const named = options.layers.split(',').map((name) => name.trim());
  const unknown = named.filter((name) => !(layers as readonly string[]).includes(name));
  if (unknown.length > 0)
    throw new PipelineError(
      'UsageError',
      `--layers: expected some of ${layers.join(', ')}, found "${unknown.join('", "')}"`,
    );
  const provider = options.provider.trim();
  const issuer = (options.issuer ?? provider).trim();
  if (provider === '' || issuer === '')
    throw new PipelineError('UsageError', '--provider and --issuer: expected names, found nothing');
  return {
    orgId: options.org,
    month: options.month,
    clusterId: options.cluster,
    version: options.focusVersion,
    layers: named as Layer[],
    billed: options.billed,
    provider,
    issuer,
    allowResidue: options.allowResidue,
    closedOnly: options.closedOnly,
  };
}

/** What `--json` says of any output. */
function factsOf(exported: Exported, request: ExportRequest) {
  return {
    rows: exported.rowCount,
    totals: exported.totals.list(),
    incompleteDays: incompleteDays(exported),
    remarks: remarksOf(exported, request),
  };
}

/** A line after each tenth, so that a log stays short. */
function progressOf(output: Output) {
  let said = 0;
  return (done: number, of: number, rowCount: number) => {
    const tenths = Math.floor((done * 10) / of);
    if (tenths === said || of < 10) return;
    said = tenths;
    output.say(`${done} of ${of} days of clusters, ${formatNumber(rowCount)} lines`);
  };
}

function incompleteDays({ month }: Exported): string[] {
  return month.sectors.filter(({ Complete }) => !Complete).map(({ Start }) => Start.slice(0, 10));
}

function remarksOf(exported: Exported, { month: name, layers: wanted }: ExportRequest): string[] {
  const { month, remarks } = exported;
  const open = incompleteDays(exported);
  const [first = '', last = ''] = [open[0], open.at(-1)];
  return [
    ...remarks,
    ...(wanted.includes('rate')
      ? month.sources
          .filter(({ hasModel }) => !hasModel)
          .map(
            ({ clusterId }) =>
              `Cluster ${clusterId} has no cost model: it has no lines of rates; ` +
              `ocp-pipeline cost-model assign gives it one`,
          )
      : []),
    ...(open.length === 0
      ? []
      : [
          `${name} is not complete: ${open.length} of ${month.sectors.length} days, ` +
            `${first === last ? first : `from ${first} to ${last}`}, lack hours or costs; export it again when they are there`,
        ]),
  ];
}

function summaryOf({ rowCount, totals }: Exported, where: string): string {
  const sums = totals.byCurrency().map(({ currency, cost }) => `${cost} ${currency}`);
  const name = where === 'standard output' ? where : basename(where);
  return `${name}: ${formatNumber(rowCount)} lines, ${sums.length === 0 ? 'no costs' : sums.join(', ')}`;
}
