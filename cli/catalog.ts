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
  commands: readonly (ListedCommand | CommandGroup)[];
}

/** A command with options of its own: yargs passes to `run` what `options` declared. */
export type AnyCommand = Pick<Command<object>, 'options'> & { run: Command<never>['run'] };

/** Every subcommand, in the order of the help. */
export const catalog: readonly (ListedCommand | CommandGroup)[] = [
  {
    name: 'demo',
    summary: 'Try it on this machine: embedded servers, a worker and a sample payload',
    load: async () => (await import('./commands/demo.ts')).demoCommand,
  },
  {
    name: 'dev',
    summary: 'Run embedded PostgreSQL, Temporal, object store, a worker and the page until Ctrl-C',
    load: async () => (await import('./commands/dev.ts')).devCommand,
  },
  {
    name: 'ingest <payload..>',
    summary: 'Ingest payload archives',
    load: async () => (await import('./commands/ingest.ts')).ingestCommand,
  },
  {
    name: 'status [manifest]',
    summary: 'Show recent manifests and refused payloads, or one manifest: files, days, rejected rows, runs',
    load: async () => (await import('./commands/status.ts')).statusCommand,
  },
  {
    name: 'replay <manifest>',
    summary: 'Run the archives of a manifest again, from the start or a phase, or resolve a blocked run',
    load: async () => (await import('./commands/replay.ts')).replayCommand,
  },
  {
    name: 'resummarize',
    summary: 'Rebuild the summaries of a cluster and month from stored data, with the current settings',
    load: async () => (await import('./commands/resummarize.ts')).resummarizeCommand,
  },
  {
    name: 'source',
    summary: 'Manage registered clusters',
    commands: [
      {
        name: 'add',
        summary: 'Register a cluster, or rename one',
        load: async () => (await import('./commands/source.ts')).sourceAddCommand,
      },
      {
        name: 'list',
        summary: 'List registered clusters',
        load: async () => (await import('./commands/source.ts')).sourceListCommand,
      },
      {
        name: 'adopt',
        summary: 'Let payloads replace days summarised by another writer (Koku), starting with a given day',
        load: async () => (await import('./commands/source.ts')).sourceAdoptCommand,
      },
      {
        name: 'client',
        summary: 'Manage client ids and secrets that operators upload with',
        commands: [
          {
            name: 'create',
            summary: 'Create a client id and secret for one cluster; the secret is shown once',
            load: async () => (await import('./commands/source-client.ts')).clientCreateCommand,
          },
          {
            name: 'rotate <client>',
            summary: 'Replace the secret of a client; the old one is refused at once',
            load: async () => (await import('./commands/source-client.ts')).clientRotateCommand,
          },
          {
            name: 'revoke <client>',
            summary: 'Refuse a client from now on',
            load: async () => (await import('./commands/source-client.ts')).clientRevokeCommand,
          },
          {
            name: 'list',
            summary: 'List clients: what they are bound to, when they were last used',
            load: async () => (await import('./commands/source-client.ts')).clientListCommand,
          },
        ],
      },
      {
        name: 'token',
        summary: 'Manage static tokens that scripts upload with',
        commands: [
          {
            name: 'create',
            summary: 'Create a static token for an organisation or one of its clusters; it is shown once',
            load: async () => (await import('./commands/source-token.ts')).tokenCreateCommand,
          },
          {
            name: 'revoke <token>',
            summary: 'Refuse a token from now on',
            load: async () => (await import('./commands/source-token.ts')).tokenRevokeCommand,
          },
          {
            name: 'list',
            summary: 'List tokens: what they are bound to, when they were last used',
            load: async () => (await import('./commands/source-token.ts')).tokenListCommand,
          },
        ],
      },
    ],
  },
  {
    name: 'tags',
    summary: 'Manage the label keys used in summaries',
    commands: [
      {
        name: 'enable <key..>',
        summary: 'Enable label keys; the current month is rebuilt after OCP_SETTINGS_DELAY',
        load: async () => (await import('./commands/tags.ts')).tagsEnableCommand,
      },
      {
        name: 'disable <key..>',
        summary: 'Disable label keys',
        load: async () => (await import('./commands/tags.ts')).tagsDisableCommand,
      },
      {
        name: 'list',
        summary: 'List label keys and whether they are enabled',
        load: async () => (await import('./commands/tags.ts')).tagsListCommand,
      },
      {
        name: 'map <parent> <child..>',
        summary: 'Map child keys to a parent key; the current month is rebuilt after OCP_SETTINGS_DELAY',
        load: async () => (await import('./commands/tags.ts')).tagsMapCommand,
      },
      {
        name: 'unmap <child..>',
        summary: 'Remove the mapping of child keys',
        load: async () => (await import('./commands/tags.ts')).tagsUnmapCommand,
      },
    ],
  },
  {
    name: 'cost-model',
    summary: 'Manage cost models: rates, price lists, markup, distribution',
    commands: [
      {
        name: 'apply <file>',
        summary: 'Create a cost model from a JSON or YAML document, or change the one of the same name',
        load: async () => (await import('./commands/cost-model.ts')).costModelApplyCommand,
      },
      {
        name: 'list',
        summary: 'List cost models and the clusters they apply to',
        load: async () => (await import('./commands/cost-model.ts')).costModelListCommand,
      },
      {
        name: 'show <name>',
        summary: 'Print the document of a cost model: YAML, or JSON with --json',
        load: async () => (await import('./commands/cost-model.ts')).costModelShowCommand,
      },
      {
        name: 'assign <name>',
        summary: 'Give a cost model to clusters, or take it from them',
        load: async () => (await import('./commands/cost-model.ts')).costModelAssignCommand,
      },
      {
        name: 'remove <name>',
        summary: 'Remove a cost model with its price lists; its clusters have none then',
        load: async () => (await import('./commands/cost-model.ts')).costModelRemoveCommand,
      },
    ],
  },
  {
    name: 'export',
    summary: 'Write costs to files for other programs',
    commands: [
      {
        name: 'focus',
        summary: 'Write the cost lines of a month in FOCUS format (FinOps Foundation), as CSV or Parquet',
        load: async () => (await import('./commands/export-focus.ts')).exportFocusCommand,
      },
    ],
  },
  {
    name: 'api',
    summary: 'Manage who reads reports through the read API (serve --api)',
    commands: [
      {
        name: 'token',
        summary: 'Manage tokens of readers',
        commands: [
          {
            name: 'create',
            summary:
              'Create a token for an organisation, or some of its clusters, nodes, projects; it is shown once',
            load: async () => (await import('./commands/api-token.ts')).apiTokenCreateCommand,
          },
          {
            name: 'revoke <token>',
            summary: 'Refuse a token from now on',
            load: async () => (await import('./commands/api-token.ts')).apiTokenRevokeCommand,
          },
          {
            name: 'list',
            summary: 'List tokens: what they show, when they were last used',
            load: async () => (await import('./commands/api-token.ts')).apiTokenListCommand,
          },
        ],
      },
    ],
  },
  {
    name: 'tenant',
    summary: 'Manage the settings of one organisation',
    commands: [
      {
        name: 'set <org> <setting..>',
        summary:
          'Override settings: rules=design|koku, engine=postgres|trino, shadow=postgres|trino; KEY= removes it',
        load: async () => (await import('./commands/tenant.ts')).tenantSetCommand,
      },
      {
        name: 'show <org>',
        summary: 'Show the settings that apply to an organisation: its own, and those of the deployment',
        load: async () => (await import('./commands/tenant.ts')).tenantShowCommand,
      },
    ],
  },
  {
    name: 'schedules',
    summary: 'Manage the schedules of cleanups and of the settings watch',
    commands: [
      {
        name: 'apply',
        summary: 'Create the schedules or update them to the configuration; paused ones stay paused',
        load: async () => (await import('./commands/schedules.ts')).schedulesApplyCommand,
      },
      {
        name: 'list',
        summary: 'List the schedules: next run, last result, whether paused',
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
    name: 'serve',
    summary: 'Accept uploads of operators over HTTP; with --api answer reports and show the page',
    load: async () => (await import('./commands/serve.ts')).serveCommand,
  },
  {
    name: 'listen',
    summary: 'Take payloads that Kafka messages announce, and answer them',
    load: async () => (await import('./commands/listen.ts')).listenCommand,
  },
  {
    name: 'watch <place>',
    summary:
      'Take payloads that are dropped into a folder or bucket, and put them away when they are ingested',
    load: async () => (await import('./commands/watch.ts')).watchCommand,
  },
  {
    name: 'deployment',
    summary: 'Manage worker versions (Worker Deployment Versioning)',
    commands: [
      {
        name: 'set-current [buildId]',
        summary: 'Make a worker version current: new runs go to it, running ones stay on theirs',
        load: async () => (await import('./commands/deployment.ts')).deploymentSetCurrentCommand,
      },
      {
        name: 'list',
        summary: 'List worker versions: current, draining, drained',
        load: async () => (await import('./commands/deployment.ts')).deploymentListCommand,
      },
      {
        name: 'move <from> [to]',
        summary: 'Move the running workflows of a version to another, for example when its workers are gone',
        load: async () => (await import('./commands/deployment.ts')).deploymentMoveCommand,
      },
    ],
  },
  {
    name: 'migrate',
    summary: 'Migrate public and all tenant schemas; safe to repeat',
    load: async () => (await import('./commands/migrate.ts')).migrateCommand,
  },
  {
    name: 'setup',
    summary: 'Register search attributes and schedules in the Temporal namespace; safe to repeat',
    load: async () => (await import('./commands/setup.ts')).setupCommand,
  },
  {
    name: 'doctor',
    summary: 'Check everything the pipeline depends on and say how to fix it',
    load: async () => (await import('./commands/doctor.ts')).doctorCommand,
  },
];

/** The command named by the words of a command line; undefined if they name none, or only a group. */
export function namedCommand(words: readonly string[]): ListedCommand | undefined {
  return namedIn(catalog, words);
}

function namedIn(
  entries: readonly (ListedCommand | CommandGroup)[],
  words: readonly string[],
): ListedCommand | undefined {
  const entryOf = (word: string) => entries.find(({ name }) => name.split(' ')[0] === word);
  // Options may stand between two words.
  const at = words.findIndex((word) => entryOf(word) !== undefined);
  const entry = entryOf(words[at] ?? '');
  return entry === undefined || 'load' in entry ? entry : namedIn(entry.commands, words.slice(at + 1));
}
