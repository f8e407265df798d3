import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { standardOutput } from '../cli/output.ts';
import { Interrupted, interruptedExitCode } from '../cli/stop-signal.ts';
import { measureGrowth } from './growth/measure-growth.ts';
import { measureShape } from './measure.ts';
import { cachedPayload } from './payload/cache.ts';
import { shapeNames, shapes } from './payload/shapes.ts';
import type { ShapeName } from './payload/shapes.ts';
import { payloadDirectory, runBench } from './run-bench.ts';
import type { Measurement } from './run-bench.ts';
import { measureSettings } from './settings/measure-settings.ts';

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
      command.positional('shapes', { choices: shapeNames, array: true, describe: 'default: all of them' }),
    async ({ shapes: names, ...options }) => {
      const measured = names === undefined || names.length === 0 ? shapeNames : names;
      process.exitCode = await runBench(options, ofShapes(measured));
    },
  )
  .command(
    'growth',
    'Measure one more day beside a year of fifty clusters, and on empty tables',
    (command) =>
      command.option('shape', {
        choices: ['small', 'medium', 'large'] as const,
        default: 'medium' as const,
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
  .check(({ runs }) => {
    if (Number.isInteger(runs) && runs >= 1) return true;
    throw new Error('--runs: expected a whole number from 1 on');
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
