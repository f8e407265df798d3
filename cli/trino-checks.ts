import { PipelineError } from '../domain/failures/failures.ts';
import { openLake } from '../engines/trino/lake.ts';
import type { Lake } from '../engines/trino/lake.ts';
import { TrinoError } from '../engines/trino/trino-error.ts';
import { tryLake } from '../engines/trino/try-lake.ts';
import type { Check } from './checks.ts';
import { withoutSecrets } from '../platform/temporal/activity-failure.ts';
import { describeFailure } from './failure.ts';
import type { Services } from './services.ts';

/** The oldest server that is supported, and the newest that this version was tested with. */
const versions = { min: 476, maxTested: 476 };
/** What Trino answers where files may not be added to Iceberg tables, which is the default. */
const addFilesDisabled = 'add_files procedure is disabled';
/** Trino holds queries back for minutes while it has no workers. */
const timeLimitMs = 30_000;

/** Check the Trino that this process knows, one thing after the other; what needs something that failed is left out. */
export async function checkTrino(services: Services): Promise<Check[]> {
  const { TRINO_URL: url } = services.config;
  if (url === undefined) return [];
  const lake = openLake(services.config);
  const checks: Check[] = [];
  for (const step of [
    () => versionCheck(lake, url),
    () => workerCheck(lake),
    () => catalogCheck(lake, services.config),
    () => lakeCheck(lake, services),
  ]) {
    const check = await step();
    checks.push(check);
    if (!check.ok) break;
  }
  return checks;
}

async function versionCheck({ client }: Lake, url: string): Promise<Check> {
  const what = 'Trino';
  try {
    const { version, isStarting } = await client.server(AbortSignal.timeout(timeLimitMs));
    if (isStarting)
      return { what, ok: false, found: `${url} is starting`, repair: 'wait, then run doctor again' };
    return { what, ...judgeVersion(version) };
  } catch (error) {
    return failed(what, error, 'check TRINO_URL, and that the server runs');
  }
}

/** What is to be said of a server's version. Distributions add something of their own: `476-e.1`. */
export function judgeVersion(
  version: string,
): { ok: true; found: string } | { ok: false; found: string; repair: string } {
  const release = Number.parseInt(version, 10);
  if (!(release >= versions.min))
    return { ok: false, found: version, repair: `upgrade Trino to ${versions.min} or later` };
  if (release <= versions.maxTested) return { ok: true, found: version };
  return {
    ok: true,
    found: `${version}; this program was tested with ${versions.maxTested} and no later one`,
  };
}

async function workerCheck({ client }: Lake): Promise<Check> {
  const what = 'a query on workers of Trino';
  try {
    // A sequence is made by a worker, and no catalog is needed.
    await client.run('select count(*) from unnest(sequence(1, 10)) as t (n) where n > random()', limited());
    return { what, ok: true, found: 'answered' };
  } catch (error) {
    return failed(
      what,
      error,
      'start workers of Trino, or let the coordinator work ' +
        '(node-scheduler.include-coordinator=true), and look into its log',
    );
  }
}

async function connectorOf({ client }: Lake, catalog: string): Promise<{ name?: string; others: string[] }> {
  const rows = await client.run(
    'select catalog_name, connector_name from system.metadata.catalogs order by 1',
    limited(),
  );
  const name = rows.find(([one]) => one === catalog)?.[1];
  return {
    ...(name === undefined ? {} : { name: String(name) }),
    others: rows.map(([one]) => String(one)),
  };
}

async function catalogCheck(
  lake: Lake,
  { TRINO_CATALOG: catalog, TRINO_TABLES: tables }: Services['config'],
): Promise<Check> {
  const what = `catalog ${catalog}`;
  try {
    const { name, others } = await connectorOf(lake, catalog);
    if (name === undefined)
      return {
        what,
        ok: false,
        found: `there is none, or the user may not see it; the user sees: ${others.join(', ')}`,
        repair: 'create it in etc/catalog of every server of Trino, or set TRINO_CATALOG',
      };
    if (name !== tables)
      return { what, ok: false, found: `its connector is ${name}`, repair: otherConnector(name, tables) };
    return { what, ok: true, found: `connector ${name}` };
  } catch (error) {
    return failed(what, error, 'let the user read system.metadata.catalogs');
  }
}

function otherConnector(name: string, tables: string): string {
  const another = `set TRINO_CATALOG to a catalog with the connector ${tables}, as TRINO_TABLES says`;
  return name === 'hive' || name === 'iceberg' ? `set TRINO_TABLES=${name}, or ${another}` : another;
}

/** Without the right to register, new months are found by listing: slow for many sources, but it works. */
async function lakeCheck(lake: Lake, { config, objectStore }: Services): Promise<Check> {
  const what = 'lake';
  const { TRINO_CATALOG: catalog, TRINO_TABLES: tables } = config;
  try {
    const mayRegister = await tryLake(lake, objectStore, tables, limited());
    const listed =
      '; system.register_partition is not allowed, so each new month compares all partitions of its table: slow with ' +
      `thousands of them; to allow it, set hive.allow-register-partition-procedure=true in the catalog ${catalog}`;
    return {
      what,
      ok: true,
      found: `a file was written to the object store, read by Trino, and removed${mayRegister ? '' : listed}`,
    };
  } catch (error) {
    if (tables === 'iceberg' && error instanceof TrinoError && error.message.includes(addFilesDisabled))
      return failed(what, error, `set iceberg.add-files-procedure.enabled=true in the catalog ${catalog}`);
    return failed(
      what,
      error,
      'make sure that TRINO_LOCATION (unset: OBJECT_STORE) is where OBJECT_STORE is, that the catalog has a file system and ' +
        'credentials for it, and that the user may create and drop schemas and external tables there and call procedures',
    );
  }
}

function limited() {
  return { signal: AbortSignal.timeout(timeLimitMs) };
}

/** @param repair unless the error itself says what to do */
function failed(what: string, error: unknown, repair: string): Check {
  if (error instanceof Error && error.name === 'TimeoutError')
    return { what, ok: false, found: `no answer within ${timeLimitMs / 1_000} s`, repair };
  if (error instanceof PipelineError && error.remedy !== undefined)
    return { what, ok: false, found: withoutSecrets(error.message), repair: error.remedy };
  return { what, ok: false, found: describeFailure(error).message, repair };
}
