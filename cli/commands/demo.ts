import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Argv } from 'yargs';
import { runAddress } from '../../domain/run/run-address.ts';
import { clock } from '../../platform/config/config.ts';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { registerSource } from '../../platform/tenants/sources.ts';
import { loadSql } from '../../platform/database/sql-files.ts';
import type { Command } from '../command.ts';
import { costByProject, costTable, giveDemoModel } from '../demo-costs.ts';
import { sampleClusterId, writeDemoPayload } from '../demo-payload.ts';
import { followRuns } from '../follow-run.ts';
import { endText } from './ingest.ts';
import { openPage } from '../open-page.ts';
import { formatDuration, table } from '../output.ts';
import type { Output } from '../output.ts';
import { logFile, migrationLog, openServices, processLogger } from '../services.ts';
import type { Services } from '../services.ts';
import { startRun } from '../../intake/start-run.ts';
import { aborted, stopSignal } from '../stop-signal.ts';

interface Options {
  stay: boolean | undefined;
}

interface ProjectUsage {
  project: string;
  cpuUsage: number;
  cpuRequest: number;
  cpuEffective: number;
  memoryUsage: number;
  memoryEffective: number;
  storage: number;
}

const demoOrg = 'demo';
const projectUsageSql = loadSql('status/usage_by_project.sql');

export const demoCommand: Command<Options> = {
  options: (parser): Argv<Options> =>
    parser.option('stay', {
      type: 'boolean',
      describe: 'keep running until Ctrl-C (default on a terminal)',
    }),
  run: async (options, output) => {
    const stop = stopSignal();
    const services = await openServices(output.say, {
      temporal: true,
      objectStore: true,
      migrate: 'all',
      embeddedOnly: true,
    });
    try {
      await processLogger(services.config, 'file');
      output.say(`Starting the worker; its log is ${logFile(services.config)}`);
      const workers = await services.startWorkers();
      try {
        const stays = options.stay ?? output.terminal;
        const page = stays ? `${await openPage(services, demoOrg)}?range=last-month` : undefined;
        const code = await runSample(services, output, stop, page);
        if (code === 0 && stays) {
          output.say('Everything stays up for you to look around. Ctrl-C stops it; the data stays.');
          await Promise.race([aborted(stop), workers.finished]);
        } else if (code === 0)
          output.say('The servers stop now; to look around, and to see the page: npm run demo -- --stay');
        return code;
      } finally {
        workers.stop();
        await workers.finished;
      }
    } finally {
      await services.close();
    }
  },
};

async function runSample(
  services: Services,
  output: Output,
  stop: AbortSignal,
  page: string | undefined,
): Promise<number> {
  const { pool, databaseUrl, objectStore, config } = services;
  const now = clock(config)();
  const source = await registerSource(
    { pool, databaseUrl, log: migrationLog(output.say) },
    { orgId: demoOrg, clusterId: sampleClusterId, name: 'demo cluster' },
  );
  await giveDemoModel(pool, { ...source, clusterId: sampleClusterId });
  const payload = join(resolve(config.OCP_DATA_DIR), 'demo', 'nise-small.tar.gz');
  await mkdir(join(payload, '..'), { recursive: true, mode: 0o700 });
  await writeDemoPayload(payload, now);
  output.say('Ingesting the sample payload: one cluster, 11 nodes, 3 days, moved to last month');
  const client = await services.client();
  const run = await startRun({ client, pool, objectStore, config }, { orgId: demoOrg, payload });
  const [end] = await followRuns(output, [run], stop);
  if (end === undefined || (end.outcome !== 'completed' && end.outcome !== 'already ingested')) {
    output.result(end === undefined ? 'no run' : endText(end), end);
    return 1;
  }
  const usage = await inTenantTransaction(
    pool,
    source.schema,
    async (tenant) =>
      (await tenant.query<ProjectUsage>(projectUsageSql, [source.sourceUuid, end.result.manifestUuid])).rows,
  );
  const costs = await costByProject(pool, source, end.result.manifestUuid);
  const workflowUrl =
    services.temporalUiUrl === undefined
      ? undefined
      : runAddress(services.temporalUiUrl, 'default', end.workflowId);
  output.result(
    [
      usageTable(usage),
      'Effective usage is what a project is charged for; ' +
        '"Worker unallocated" and "Platform unallocated" are unused capacity.',
      '',
      'Costs of these days by samples/cost-model.yaml, in USD. Platform and unused capacity are distributed to the projects:',
      costTable(costs),
      '',
      table(
        ['phase', 'took'],
        Object.entries(end.result.phaseMs).map(([phase, ms]) => [phase, formatDuration(ms)]),
        '',
      ),
      endText(end),
      '',
      ...(workflowUrl === undefined ? [] : [`Temporal UI: ${workflowUrl}`]),
      `PostgreSQL:  ${databaseUrl} (schema ${source.schema}; psql connects with this address)`,
      page === undefined ? 'Page:        npm run demo -- --stay serves it' : `Page:        ${page}`,
    ].join('\n'),
    { usage, costs, run: end, temporalUiUrl: workflowUrl, pageUrl: page },
  );
  return 0;
}

function usageTable(usage: readonly ProjectUsage[]): string {
  return table(
    [
      'project',
      'CPU used\ncore-hours',
      'requested\ncore-hours',
      'effective\ncore-hours',
      'memory used\nGiB-hours',
      'effective\nGiB-hours',
      'storage used\nGiB-months',
    ],
    usage.map((row) => [
      row.project,
      row.cpuUsage,
      row.cpuRequest,
      row.cpuEffective,
      row.memoryUsage,
      row.memoryEffective,
      row.storage,
    ]),
    'No usage',
  );
}
