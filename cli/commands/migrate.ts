import { migrateAll } from '../../platform/migrations/migrate.ts';
import type { Command } from '../command.ts';
import { formatDuration, table } from '../output.ts';
import { migrationLog, openServices } from '../services.ts';

export const migrateCommand: Command<object> = {
  options: (parser) => parser,
  run: async (_options, output) => {
    const services = await openServices(output.say, {});
    try {
      const reports = await migrateAll(services.databaseUrl, migrationLog(output.say));
      output.result(
        table(
          ['schema', 'migrations applied', 'functions applied', 'took'],
          reports.map((report) => [
            report.schema,
            report.migrations.length,
            report.definitions.length,
            formatDuration(report.durationMs),
          ]),
          'Nothing to migrate',
        ),
        reports,
      );
      return 0;
    } finally {
      await services.close();
    }
  },
};
