// The rooms of the code. eslint.config.js enforces the directions; `npm run rooms` draws the imports between them into
// docs/architecture.md, and a test compares the drawing with the code.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * From the bottom up: a file may import from its own room and from the rooms above its own in this list. `only` narrows
 * that to the rooms it names.
 *
 * @type {readonly { name: string; holds: string; only?: readonly string[] }[]}
 */
export const rooms = [
  {
    name: 'domain',
    holds: 'pure facts and rules: time, payload, reports, costs, run, failures',
    only: [],
  },
  { name: 'platform/config', holds: 'settings of the process' },
  { name: 'platform/database', holds: 'connections, transactions, partitions, SQL files, binary COPY' },
  { name: 'platform/object-store', holds: 'object stores: folders, S3, keys of objects' },
  { name: 'platform/migrations', holds: 'the schemas: migrating, checking, what a server must be' },
  { name: 'platform/observability', holds: 'logs, metrics, traces, health pages' },
  {
    name: 'platform/temporal',
    holds: 'the Temporal client: connection, search attributes, schedules, versions, failures',
  },
  { name: 'platform/kafka', holds: 'the Kafka client, loaded by processes that use it' },
  { name: 'platform/cache', holds: "the cache of Koku's API, loaded where there is one" },
  { name: 'platform/tenants', holds: 'tenants: settings, sources' },
  { name: 'platform/runtime', holds: 'services of a process, from start to end; those of activities' },
  { name: 'payload', holds: 'a payload: inbox row, archive, state, failures' },
  { name: 'reports', holds: 'report files, from CSV to staging rows; the fast path' },
  { name: 'summary', holds: 'a step of a source in a month: ledger, locks, counts; tags, warnings' },
  { name: 'engines', holds: 'from line items to the daily summary: plan, rebuild, record' },
  { name: 'costs', holds: 'cost models: their documents, their rows, their clusters, the costs they make' },
  { name: 'retention', holds: 'removal of what is no longer kept' },
  {
    name: 'activities',
    holds: 'activities of Temporal, one per file, beside the helpers that several share',
  },
  { name: 'workflows', holds: 'deterministic orchestration', only: ['domain', 'activities'] },
  { name: 'intake', holds: 'accepting a payload: its inbox row, its archived file, its run' },
  {
    name: 'api',
    holds: 'answers of the read API: validation, access, SQL, JSON, CSV',
  },
  {
    name: 'focus',
    holds: 'cost lines of a month in FOCUS format: columns, CSV, Parquet, metadata, conservation',
  },
  { name: 'http', holds: 'the HTTP application: uploads, Sources API, read API, page, logins' },
  { name: 'workers', holds: 'worker processes, the workflow bundle' },
  { name: 'page', holds: 'the page in the browser, which knows the read API by its answers', only: [] },
  {
    name: 'dev-stack',
    holds: 'embedded servers for laptops, tests, benchmarks',
    only: ['domain'],
  },
  { name: 'cli', holds: 'the command line' },
];

/** Rooms that a file of a room may not import from. */
export function forbiddenFor(name) {
  const index = rooms.findIndex((room) => room.name === name);
  const allowed = rooms[index].only ?? rooms.slice(0, index).map((room) => room.name);
  return rooms.map((room) => room.name).filter((other) => other !== name && !allowed.includes(other));
}

/** Room of a file, named from the root; undefined where there is none. */
export function roomOf(path) {
  return rooms.find(({ name }) => path.startsWith(`${name}/`))?.name;
}

/** Source files of all rooms, named from the root. */
export function sourceFiles() {
  return rooms.flatMap(({ name }) =>
    readdirSync(join(root, name), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
      .map((entry) => posix.join(entry.parentPath.slice(root.length + 1), entry.name)),
  );
}

/** Which rooms import which: from room, to room. */
export function importsBetweenRooms() {
  const found = new Map(rooms.map(({ name }) => [name, new Set()]));
  for (const file of sourceFiles()) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, imported] of text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
      const to = roomOf(posix.join(posix.dirname(file), imported));
      const from = roomOf(file);
      if (to !== undefined && from !== undefined && to !== from) found.get(from)?.add(to);
    }
  }
  return found;
}

/** The imports as a Mermaid flowchart, without arrows that follow from others. */
export function drawing() {
  const imports = importsBetweenRooms();
  const reaches = (from, to, seen = new Set()) => {
    if (seen.has(from)) return false;
    seen.add(from);
    return [...imports.get(from)].some((next) => next === to || reaches(next, to, seen));
  };
  const id = (name) => name.replaceAll(/\W/g, '_');
  const node = ({ name }) => `${id(name)}["${name.replace(/^platform\//, '')}"]`;
  const ofPlatform = rooms.filter(({ name }) => name.startsWith('platform/'));
  const others = rooms.filter((room) => !ofPlatform.includes(room));
  const arrows = [...rooms].reverse().flatMap(({ name }) =>
    [...imports.get(name)]
      .filter((to) => ![...imports.get(name)].some((via) => via !== to && reaches(via, to)))
      .sort()
      .map((to) => `  ${id(name)} --> ${id(to)}`),
  );
  return [
    '```mermaid',
    'flowchart TD',
    ...others.map((room) => `  ${node(room)}`),
    '  subgraph platform',
    ...ofPlatform.map((room) => `    ${node(room)}`),
    '  end',
    ...arrows,
    '```',
  ].join('\n');
}

/** What each room holds and may import, as a table. */
export function table() {
  const rows = [...rooms].reverse().map(({ name, holds, only }) => {
    const may =
      only === undefined ? 'the rooms below' : only.map((other) => `\`${other}\``).join(', ') || 'nothing';
    return `| \`${name}/\` | ${holds} | ${name === 'workflows' ? '`domain`, types of `activities`' : may} |`;
  });
  return ['| room | holds | may import |', '|---|---|---|', ...rows].join('\n');
}

export const page = join(root, 'docs', 'architecture.md');

/** The page with its generated parts made anew. */
export function withRooms(text) {
  const part = (name, content) => (before) => {
    const [open, close] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    const [start, end] = [before.indexOf(open), before.indexOf(close)];
    if (start < 0 || end < start) throw new Error(`docs/architecture.md: ${open} … ${close} is missing`);
    return `${before.slice(0, start)}${open}\n${content}\n${before.slice(end)}`;
  };
  return part('drawing', drawing())(part('rooms', table())(text));
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(page, withRooms(readFileSync(page, 'utf8')));
