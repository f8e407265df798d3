import { beforeAll, expect, test } from 'vitest';
import type { AppliedSchedule, ListedSchedule } from '../../platform/temporal/schedules.ts';
import { createCommandLine } from '../support/command-line.ts';
import type { CommandLine } from '../support/command-line.ts';

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
