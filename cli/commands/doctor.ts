import type { Command } from '../command.ts';
import { runChecks } from '../checks.ts';
import { openServices } from '../services.ts';

export const doctorCommand: Command<object> = {
  options: (parser) => parser,
  run: async (_options, output) => {
    const services = await openServices(output.say, { temporal: true, objectStore: true });
    try {
      const checks = await runChecks(services);
      const failed = checks.filter((check) => !check.ok);
      output.result(
        [
          ...checks.map((check) =>
            check.ok
              ? `ok    ${check.what}: ${check.found}`
              : `FAIL  ${check.what}: ${check.found}\n      repair: ${check.repair}`,
          ),
          failed.length === 0
            ? 'Everything is in order'
            : `${failed.length} of ${checks.length} checks failed`,
        ].join('\n'),
        checks,
      );
      return failed.length === 0 ? 0 : 1;
    } finally {
      await services.close();
    }
  },
};
