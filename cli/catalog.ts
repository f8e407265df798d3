import type { Command } from './command.ts';

/** A subcommand as the help lists it. Its code, and with it the SDK and the drivers, is loaded only when it is used. */
export interface ListedCommand {
  /** word and positional arguments, for example `replay <manifest>` */
  name: string;
  summary: string;
  load(): Promise<AnyCommand>;
}

/** Related subcommands under one word. */
export interface CommandGroup {
  name: string;
  summary: string;
  commands: readonly ListedCommand[];
}

/** A command whose options are its own affair: yargs hands `run` what `options` declared. */
export type AnyCommand = Pick<Command<object>, 'options'> & { run: Command<never>['run'] };

/** Every subcommand, in the order of the help. */
export const catalog: readonly (ListedCommand | CommandGroup)[] = [
  {
    name: 'demo',
    summary: 'See it run: embedded servers, a worker and the sample payload, on this machine',
    load: async () => (await import('./commands/demo.ts')).demoCommand,
  },
  {
    name: 'dev',
    summary: 'Embedded PostgreSQL, Temporal and object store with a worker; stays up until Ctrl-C',
    load: async () => (await import('./commands/dev.ts')).devCommand,
  },
  {
    name: 'ingest <payload..>',
    summary: 'Take payload archives through the pipeline',
    load: async () => (await import('./commands/ingest.ts')).ingestCommand,
  },
  {
    name: 'status [manifest]',
    summary: 'Recent manifests and refused payloads, or one manifest: files, days, rejected rows, runs',
    load: async () => (await import('./commands/status.ts')).statusCommand,
  },
  {
    name: 'replay <manifest>',
    summary: 'Run the archives of a manifest again, from the start or a phase, or decide about a blocked run',
    load: async () => (await import('./commands/replay.ts')).replayCommand,
  },
  {
    name: 'resummarize',
    summary: 'Rebuild the summaries of a cluster and month from what is stored, with the present settings',
    load: async () => (await import('./commands/resummarize.ts')).resummarizeCommand,
  },
  {
    name: 'source',
    summary: 'Registered clusters',
    commands: [
      {
        name: 'add',
        summary: 'Register a cluster; again: refresh its name',
        load: async () => (await import('./commands/source.ts')).sourceAddCommand,
      },
      {
        name: 'list',
        summary: 'Registered clusters',
        load: async () => (await import('./commands/source.ts')).sourceListCommand,
      },
      {
        name: 'adopt',
        summary: 'Let payloads replace days that another writer (Koku) summarised, from a day on',
        load: async () => (await import('./commands/source.ts')).sourceAdoptCommand,
      },
    ],
  },
  {
    name: 'tags',
    summary: 'Label keys that count',
    commands: [
      {
        name: 'enable <key..>',
        summary: 'Let label keys count; days are rebuilt with their next payload',
        load: async () => (await import('./commands/tags.ts')).tagsEnableCommand,
      },
      {
        name: 'disable <key..>',
        summary: 'Stop label keys from counting',
        load: async () => (await import('./commands/tags.ts')).tagsDisableCommand,
      },
      {
        name: 'list',
        summary: 'Label keys and whether they count',
        load: async () => (await import('./commands/tags.ts')).tagsListCommand,
      },
      {
        name: 'map <parent> <child..>',
        summary: 'Let child keys count as the parent key; days are rebuilt with their next payload',
        load: async () => (await import('./commands/tags.ts')).tagsMapCommand,
      },
      {
        name: 'unmap <child..>',
        summary: 'Let child keys count for themselves again',
        load: async () => (await import('./commands/tags.ts')).tagsUnmapCommand,
      },
    ],
  },
  {
    name: 'tenant',
    summary: 'Settings of one organisation',
    commands: [
      {
        name: 'set <org> <setting..>',
        summary:
          'Override settings for one organisation: rules=design|koku, engine=postgres; KEY= follows the deployment again',
        load: async () => (await import('./commands/tenant.ts')).tenantSetCommand,
      },
    ],
  },
  {
    name: 'schedules',
    summary: 'Cleanups and the watch over settings',
    commands: [
      {
        name: 'apply',
        summary: 'Create the schedules or bring them to the configured values; a paused one stays paused',
        load: async () => (await import('./commands/schedules.ts')).schedulesApplyCommand,
      },
      {
        name: 'list',
        summary: 'Show the schedules: next time, last result, paused or not',
        load: async () => (await import('./commands/schedules.ts')).schedulesListCommand,
      },
    ],
  },
  {
    name: 'worker',
    summary: 'Run workers against the configured PostgreSQL, object store and Temporal',
    load: async () => (await import('./commands/worker.ts')).workerCommand,
  },
  {
    name: 'deployment',
    summary: 'Versions of the workers, when they are versioned',
    commands: [
      {
        name: 'set-current [buildId]',
        summary: 'Let new runs go to a version of the workers; runs under way stay with theirs',
        load: async () => (await import('./commands/deployment.ts')).deploymentSetCurrentCommand,
      },
      {
        name: 'list',
        summary: 'Show the versions of the workers: current, draining, drained',
        load: async () => (await import('./commands/deployment.ts')).deploymentListCommand,
      },
      {
        name: 'move <from> [to]',
        summary:
          'Let workers of another version go on with the runs under way of a version, for example when its workers are gone',
        load: async () => (await import('./commands/deployment.ts')).deploymentMoveCommand,
      },
    ],
  },
  {
    name: 'migrate',
    summary: 'Bring public and all tenant schemas up to date; safe to repeat',
    load: async () => (await import('./commands/migrate.ts')).migrateCommand,
  },
  {
    name: 'setup',
    summary: 'Register search attributes and schedules in the Temporal namespace; safe to repeat',
    load: async () => (await import('./commands/setup.ts')).setupCommand,
  },
  {
    name: 'doctor',
    summary: 'Check everything the pipeline depends on and say how to repair it',
    load: async () => (await import('./commands/doctor.ts')).doctorCommand,
  },
];

/** The command that words of a command line name; undefined when they name none, or only a group. */
export function namedCommand(words: readonly string[]): ListedCommand | undefined {
  const wordOf = ({ name }: { name: string }) => name.split(' ')[0];
  const at = words.findIndex((word) => catalog.some((entry) => wordOf(entry) === word));
  const entry = catalog.find((candidate) => wordOf(candidate) === words[at]);
  if (entry === undefined || 'load' in entry) return entry;
  return entry.commands.find((command) => wordOf(command) === words[at + 1]);
}
