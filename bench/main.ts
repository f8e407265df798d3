import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { standardOutput } from '../cli/output.ts';
import { Interrupted, interruptedExitCode } from '../cli/stop-signal.ts';
import { measureGrowth } from './growth/measure-growth.ts';
import { measureShape } from './measure.ts';
import type { Bench } from './measure.ts';
import { cachedPayload } from './payload/cache.ts';
import { shapeNames, shapes } from './payload/shapes.ts';
import type { ShapeName } from './payload/shapes.ts';
import { payloadDirectory, runBench } from './run-bench.ts';
import type { Measurement } from './run-bench.ts';
import { measureCustomers } from './scenarios/customers.ts';
import { measureDisk } from './scenarios/disk.ts';
import { measureEngines } from './scenarios/engines.ts';
import { measureExports } from './scenarios/exports.ts';
import { measureIntake } from './scenarios/intake.ts';
import { measureReads } from './scenarios/reads.ts';
import { measureRebuild } from './scenarios/rebuild.ts';
import type { MeasuredScenario, ScenarioName } from './scenarios/scenario.ts';
import { measureSettings } from './settings/measure-settings.ts';
import { measureSoak, soakName, soakShapes } from './soak/soak.ts';
import type { SoakOptions, SoakShape } from './soak/soak.ts';

const ofShapes = (names: readonly ShapeName[]): Measurement =>
  async function* (bench, circumstances) {
    for (const name of names)
      yield { shapes: { [name]: { ...(await measureShape(bench, name)), circumstances } } };
  };

const ofGrowth = (shape: ShapeName): Measurement =>
  async function* (bench, circumstances) {
    yield { shapes: {}, growth: { ...(await measureGrowth(bench, shape)), circumstances } };
  };

const ofSettings = (options: Parameters<typeof measureSettings>[1]): Measurement =>
  async function* (bench, circumstances) {
    const measured = await measureSettings(bench, options);
    yield { shapes: {}, settings: { [options.shape]: { ...measured, circumstances } } };
  };

const ofSoak = (options: SoakOptions): Measurement =>
  async function* (bench, circumstances) {
    const measured = await measureSoak(bench, options);
    yield {
      shapes: {},
      soaks: { [soakName(options)]: { ...measured, circumstances: { ...circumstances, runCount: 1 } } },
    };
  };

const scenarios = {
  customers: {
    measure: measureCustomers,
    describe: 'Measure the day of five sizes of customers, all clusters at once',
  },
  intake: {
    measure: measureIntake,
    describe: 'Measure uploads: large ones and their memory, and a day of 20 sources with 1 and 2 workers',
  },
  rebuild: {
    measure: measureRebuild,
    describe: 'Measure the rebuild of four months without staging after a label key was enabled',
  },
  disk: {
    measure: measureDisk,
    describe: 'Measure what a week of six-hourly payloads and the sweep leave on disk',
  },
  reads: {
    measure: measureReads,
    describe: 'Measure answers of the read API: a month of one cluster, 90 days of 23',
  },
  exports: {
    measure: measureExports,
    describe: 'Measure exports in FOCUS format, of 100,000 lines and of a million, and their memory',
  },
  engines: {
    measure: (bench: Bench) => measureEngines(bench, ['xl', 'month']),
    describe: 'Measure xl and month with the engine of PostgreSQL and with that of Trino',
  },
} as const satisfies Record<ScenarioName, object>;

type ScenarioMeasurement = (bench: Bench) => Promise<MeasuredScenario>;

const ofScenario = (
  name: ScenarioName,
  measure: ScenarioMeasurement = scenarios[name].measure,
): Measurement =>
  async function* (bench, circumstances) {
    const measured = await measure(bench);
    yield {
      shapes: {},
      scenarios: { [name]: { ...measured, circumstances: { ...circumstances, runCount: 1 } } },
    };
  };

const growthShape = 'medium' as const;

/** Those of both engines have none, and need a Trino. */
const withTargets = (Object.keys(scenarios) as ScenarioName[]).filter((name) => name !== 'engines');

/** Whatever has targets: all shapes, growth and scenarios. */
const ofEverything: Measurement = async function* (bench, circumstances) {
  yield* ofShapes(shapeNames)(bench, circumstances);
  yield* ofGrowth(growthShape)(bench, circumstances);
  for (const name of withTargets) yield* ofScenario(name)(bench, circumstances);
};

const soakFlags = {
  payloads: { type: 'number', default: 2_000, describe: 'how many' },
  'at-once': { type: 'number', default: 8, describe: 'runs under way at a time' },
  sources: { type: 'number', default: 25, describe: 'clusters that take turns, a day each' },
  every: { type: 'number', default: 100, describe: 'payloads between two looks' },
  shape: {
    choices: Object.keys(soakShapes) as SoakShape[],
    default: 'tiny' as SoakShape,
    describe: 'size of the payloads',
  },
  collect: {
    type: 'boolean',
    default: false,
    describe: 'collect garbage before each look: shows what is held, and bends the curve',
  },
} as const;

const parser = yargs(hideBin(process.argv))
  .scriptName('npm run bench --')
  .option('runs', { type: 'number', default: 3, describe: 'runs of each measurement; their medians count' })
  .option('seed', { type: 'number', default: 1, describe: 'seed of the payloads' })
  .option('json', { type: 'boolean', default: false, describe: 'print the results as JSON' })
  .option('check', { type: 'boolean', default: false, describe: 'exit code 1 when a target is missed' })
  .option('publish', {
    type: 'boolean',
    default: false,
    describe: 'put the results into bench/results/published.* and docs/performance.md',
  })
  .command(
    '$0 [shapes..]',
    'Measure the workflow against a plain COPY and GROUP BY of the same bytes',
    (command) =>
      command.positional('shapes', {
        choices: shapeNames,
        array: true,
        describe: 'default: all of them, then growth and the scenarios without engines',
      }),
    async ({ shapes: names = [], ...options }) => {
      process.exitCode = await runBench(options, names.length === 0 ? ofEverything : ofShapes(names));
    },
  )
  .command(
    'growth',
    'Measure one more day beside a year of fifty clusters, and on empty tables',
    (command) =>
      command.option('shape', {
        choices: ['small', 'medium', 'large'] as const,
        default: growthShape,
        describe: 'the cluster that is measured',
      }),
    async ({ shape, ...options }) => {
      process.exitCode = await runBench(options, ofGrowth(shape));
    },
  )
  .command(
    'settings',
    "Measure the recommended settings of PostgreSQL against PostgreSQL's own",
    (command) =>
      command
        .option('shape', { choices: shapeNames, default: 'large' as const, describe: 'what is loaded' })
        .option('payloads', { type: 'number', default: 3, describe: 'clusters of it, one after the other' })
        .option('each', { type: 'boolean', default: false, describe: 'try each setting by itself too' }),
    async ({ shape, payloads, each, ...options }) => {
      process.exitCode = await runBench(options, ofSettings({ shape, payloadCount: payloads, each }));
    },
  )
  .command(
    'soak',
    'Let many payloads go through one worker and look at its memory again and again',
    (command) => command.options(soakFlags),
    async ({ shape, payloads, atOnce, sources, every, collect, ...options }) => {
      const soak = { shape, payloads, atOnce, sources, every, collect };
      process.exitCode = await runBench(options, ofSoak(soak));
    },
  )
  .command(
    'customers',
    scenarios.customers.describe,
    (command) => command,
    async (options) => {
      process.exitCode = await runBench(options, ofScenario('customers'));
    },
  )
  .command(
    'intake',
    scenarios.intake.describe,
    (command) => command,
    async (options) => {
      process.exitCode = await runBench(options, ofScenario('intake'));
    },
  )
  .command(
    'rebuild',
    scenarios.rebuild.describe,
    (command) => command,
    async (options) => {
      process.exitCode = await runBench(options, ofScenario('rebuild'));
    },
  )
  .command(
    'disk',
    scenarios.disk.describe,
    (command) => command,
    async (options) => {
      process.exitCode = await runBench(options, ofScenario('disk'));
    },
  )
  .command(
    'reads',
    scenarios.reads.describe,
    (command) => command,
    async (options) => {
      process.exitCode = await runBench(options, ofScenario('reads'));
    },
  )
  .command(
    'exports',
    scenarios.exports.describe,
    (command) => command,
    async (options) => {
      process.exitCode = await runBench(options, ofScenario('exports'));
    },
  )
  .command(
    'engines [shapes..]',
    `${scenarios.engines.describe} (needs test/trino/install.sh)`,
    (command) =>
      command.positional('shapes', {
        choices: shapeNames,
        array: true,
        describe: 'others than xl and month',
      }),
    async ({ shapes: names = [], ...options }) => {
      const measure = names.length === 0 ? undefined : (bench: Bench) => measureEngines(bench, names);
      process.exitCode = await runBench(options, ofScenario('engines', measure));
    },
  )
  .command(
    'generate <shapes..>',
    'Make payloads and print where they are',
    (command) => command.positional('shapes', { choices: shapeNames, array: true, demandOption: true }),
    async ({ shapes: names, seed, json }) => {
      const made: Record<string, string> = {};
      for (const name of names) {
        const payload = await cachedPayload(payloadDirectory, { shape: shapes[name], seed });
        made[name] = join(payload.directory, payload.archive);
      }
      standardOutput({ json }).result(
        Object.entries(made)
          .map(([name, path]) => `${name} ${path}`)
          .join('\n'),
        made,
      );
    },
  )
  .check((given) => {
    for (const name of ['runs', 'payloads', 'at-once', 'sources', 'every']) {
      const value = given[name];
      if (value === undefined || (Number.isInteger(value) && (value as number) >= 1)) continue;
      throw new Error(`--${name}: expected a whole number from 1 on`);
    }
    return true;
  })
  .strict()
  .version(false)
  .exitProcess(false)
  .fail((message, error) => {
    throw (
      (error as Error | undefined) ?? new Error(`${message}; npm run bench -- --help shows what there is`)
    );
  });

try {
  await parser.parseAsync();
} catch (error) {
  process.exitCode = error instanceof Interrupted ? interruptedExitCode : 1;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}
