import { applySchedules, listSchedules } from '../../platform/temporal/schedules.ts';
import type { ListedSchedule } from '../../platform/temporal/schedules.ts';
import type { Command } from '../command.ts';
import { table } from '../output.ts';
import { openServices } from '../services.ts';

export const schedulesApplyCommand: Command<object> = {
  options: (parser) => parser,
  run: async (_options, output) => {
    const services = await openServices(output.say, { temporal: true });
    try {
      const schedules = await applySchedules(await services.client(), services.config);
      output.result(
        schedules.map(({ scheduleId, outcome }) => `Schedule ${scheduleId}: ${outcome}`).join('\n'),
        schedules,
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};

export const schedulesListCommand: Command<object> = {
  options: (parser) => parser,
  run: async (_options, output) => {
    const services = await openServices(output.say, { temporal: true });
    try {
      const schedules = await listSchedules(await services.client());
      output.result(
        table(['schedule', 'next', 'last', 'note'], schedules.map(rowOf), 'No schedules'),
        schedules,
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};

function rowOf({ scheduleId, exists, paused, nextTime, last, note }: ListedSchedule): string[] {
  if (!exists) return [scheduleId, 'absent', '', 'ocp-pipeline schedules apply'];
  return [
    scheduleId,
    paused ? 'paused' : (nextTime ?? 'never'),
    last === null ? 'never' : `${last.status} ${last.startedAt}`,
    note,
  ];
}
