import type { Argv } from 'yargs';
import { ConfigInvalid } from '../platform/config.ts';
import { listVersions, setCurrentVersion } from '../platform/worker-deployment.ts';
import type { Command, GlobalOptions } from './command.ts';
import { table } from './output.ts';
import { openServices } from './services.ts';

interface SetCurrentOptions {
  buildId: string | undefined;
  wait: number;
}

export const deploymentSetCurrentCommand: Command<SetCurrentOptions> = {
  name: 'set-current [buildId]',
  summary: 'Let new runs go to a version of the workers; runs under way stay with theirs',
  options: (parser: Argv<GlobalOptions>): Argv<SetCurrentOptions & GlobalOptions> =>
    parser
      .positional('buildId', {
        type: 'string',
        describe: 'version of the workers; default TEMPORAL_WORKER_BUILD_ID',
      })
      .option('wait', {
        type: 'number',
        default: 300,
        describe: 'seconds to wait for workers of that version',
      }),
  run: async (options, output) => {
    const services = await openServices(output.say, { temporal: true });
    try {
      const { TEMPORAL_DEPLOYMENT_NAME: deploymentName, TEMPORAL_WORKER_BUILD_ID: configured } =
        services.config;
      const buildId = options.buildId ?? configured;
      if (buildId === undefined)
        throw new ConfigInvalid('Say which version: ocp-pipeline deployment set-current BUILD_ID');
      const version = { deploymentName, buildId };
      let said = '';
      await setCurrentVersion(await services.client(), version, options.wait * 1_000, (missing) => {
        const line = `Waiting for workers of ${buildId} on ${missing.join(', ')}`;
        if (line !== said) output.say(line);
        said = line;
      });
      output.result(`${deploymentName}: current version is ${buildId}`, version);
      return 0;
    } finally {
      await services.close();
    }
  },
};

export const deploymentListCommand: Command<object> = {
  name: 'list',
  summary: 'Show the versions of the workers: current, draining, drained',
  options: (parser) => parser,
  run: async (_options, output) => {
    const services = await openServices(output.say, { temporal: true });
    try {
      const { TEMPORAL_DEPLOYMENT_NAME: deploymentName } = services.config;
      const versions = await listVersions(await services.client(), deploymentName);
      output.result(
        table(
          ['version', 'state'],
          versions.map(({ buildId, state }) => [buildId, state]),
          `${deploymentName}: no versioned worker has polled`,
        ),
        versions,
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};
