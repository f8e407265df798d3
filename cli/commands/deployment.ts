import type { Argv } from 'yargs';
import { PipelineError } from '../../domain/failures/failures.ts';
import {
  currentVersion,
  listVersions,
  moveRuns,
  setCurrentVersion,
} from '../../platform/temporal/worker-deployment.ts';
import type { Command, GlobalOptions } from '../command.ts';
import { expectWhole } from '../option-values.ts';
import { table } from '../output.ts';
import { openServices } from '../services.ts';

interface SetCurrentOptions {
  buildId: string | undefined;
  wait: number;
}

/** A day. */
const maxWaitSeconds = 86_400;

export const deploymentSetCurrentCommand: Command<SetCurrentOptions> = {
  options: (parser: Argv<GlobalOptions>): Argv<SetCurrentOptions & GlobalOptions> =>
    parser
      .positional('buildId', {
        type: 'string',
        describe: 'build id of the workers (default: TEMPORAL_WORKER_BUILD_ID)',
      })
      .option('wait', {
        type: 'number',
        default: 300,
        describe: 'seconds to wait for workers of that version',
      })
      .check(({ wait }) => {
        expectWhole('wait', wait, [0, maxWaitSeconds]);
        return true;
      }),
  run: async (options, output) => {
    const services = await openServices(output.say, { temporal: true });
    try {
      const { TEMPORAL_DEPLOYMENT_NAME: deploymentName, TEMPORAL_WORKER_BUILD_ID: configured } =
        services.config;
      const buildId = options.buildId ?? configured;
      if (buildId === undefined)
        throw new PipelineError(
          'ConfigInvalid',
          'Name a version: ocp-pipeline deployment set-current BUILD_ID',
        );
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
  options: (parser) => parser,
  run: async (_options, output) => {
    const services = await openServices(output.say, { temporal: true });
    try {
      const { TEMPORAL_DEPLOYMENT_NAME: deploymentName } = services.config;
      const versions = await listVersions(await services.client(), deploymentName);
      output.result(
        table(
          ['version', 'state', 'last poll', 'runs'],
          versions.map(({ buildId, state, lastPollAt, pinnedRunCount }) => [
            buildId,
            state,
            lastPollAt ?? 'long ago',
            String(pinnedRunCount),
          ]),
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

interface MoveOptions {
  from: string;
  to: string | undefined;
}

export const deploymentMoveCommand: Command<MoveOptions> = {
  options: (parser: Argv<GlobalOptions>): Argv<MoveOptions & GlobalOptions> =>
    parser
      .positional('from', {
        type: 'string',
        demandOption: true,
        describe: 'build id that the runs are pinned to',
      })
      .positional('to', {
        type: 'string',
        describe: 'build id that takes them over (default: the current one)',
      }),
  run: async ({ from, to }, output) => {
    const services = await openServices(output.say, { temporal: true });
    try {
      const { TEMPORAL_DEPLOYMENT_NAME: deploymentName } = services.config;
      const client = await services.client();
      const target =
        to === undefined ? await currentVersion(client, deploymentName) : { deploymentName, buildId: to };
      if (target === undefined)
        throw new PipelineError(
          'ConfigInvalid',
          `${deploymentName} has no current version: name the one that takes over, or make one current with ` +
            'ocp-pipeline deployment set-current',
        );
      const moved = await moveRuns(client, { deploymentName, buildId: from }, target);
      output.result(
        [
          `${moved.length} runs moved from ${from} to ${target.buildId}`,
          ...moved.map((id) => `  ${id}`),
        ].join('\n'),
        { from, to: target.buildId, moved },
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};
