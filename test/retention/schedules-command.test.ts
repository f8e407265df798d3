import { Client, Connection } from '@temporalio/client';
import { beforeAll, expect, test } from 'vitest';
import type { AppliedSchedule, ListedSchedule } from '../../platform/temporal/schedules.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';
import { waitUntil } from '../support/wait-until.ts';

let commandLine: CommandLine;

beforeAll(async () => {
  commandLine = await createCommandLine();
});

test('schedules are listed as absent, applied, and listed with their next time', async () => {
  const before = await commandLine.run(['schedules', 'list']);
  expect(before).toMatchObject({ code: 0 });
  expect(before.stdout).toMatch(/sweep-staging +absent +ocp-pipeline schedules apply/);

  const applied = await commandLine.run(['schedules', 'apply', '--json']);
  expect(applied).toMatchObject({ code: 0 });
  expect(JSON.parse(applied.stdout) as AppliedSchedule[]).toEqual(
    ['watch-settings', 'sweep-staging', 'purge-expired'].map((scheduleId) => ({
      scheduleId,
      outcome: 'created',
    })),
  );
  const again = await commandLine.run(['setup']);
  expect(again.stdout).toContain('Schedule purge-expired: updated');

  const listed = await commandLine.run(['schedules', 'list', '--json']);
  const schedules = JSON.parse(listed.stdout) as ListedSchedule[];
  expect(schedules.every(({ exists, nextTime }) => exists && nextTime !== null)).toBe(true);
});

test('schedules are listed as paused, and with their last run', async () => {
  expect(await commandLine.run(['schedules', 'apply'])).toMatchObject({ code: 0 });
  const { TEMPORAL_ADDRESS: address = '', TEMPORAL_NAMESPACE: namespace = '' } = commandLine.environment;
  const connection = await Connection.connect({ address });
  const { schedule } = new Client({ connection, namespace });
  await schedule.getHandle('purge-expired').pause('by an operator');
  const sweep = schedule.getHandle('sweep-staging');
  await sweep.trigger();
  await waitUntil(async () => (await sweep.describe()).info.recentActions.length === 1);
  await connection.close();
  const { stdout } = await commandLine.run(['schedules', 'list']);
  expect(stdout).toMatch(/^purge-expired +paused +never +by an operator *$/m);
  // No worker takes the run, so it goes on.
  expect(stdout).toMatch(/^sweep-staging +\d{4}-\S+Z +RUNNING \d{4}-\S+Z +Drops staging partitions/m);
});
