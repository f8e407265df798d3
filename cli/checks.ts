import { PipelineError } from '../domain/failures/failures.ts';
import { checkCache } from '../platform/cache/api-cache.ts';
import { lostFunctions } from '../platform/migrations/definitions.ts';
import type { LostFunction } from '../platform/migrations/definitions.ts';
import { readDefinitions, shippedSources } from '../platform/migrations/files.ts';
import { publicIsBehind, requiredVersion, tenantIsBehind } from '../platform/migrations/migrate.ts';
import { registeredSchemas } from '../platform/migrations/tenant-schemas.ts';
import { userOfTrino } from '../engines/engine-in-use.ts';
import { checkObjectStore } from '../platform/object-store/index.ts';
import {
  checkSchema,
  describeProblem,
  kokuCameSecond,
  repairOf,
} from '../platform/migrations/schema-check.ts';
import { missingSearchAttributes } from '../platform/temporal/search-attributes.ts';
import { encodingRepair, isSupportedVersion, readServerFacts } from '../platform/migrations/server-facts.ts';
import type { ServerFacts } from '../platform/migrations/server-facts.ts';
import { relationExists } from '../platform/database/relation-exists.ts';
import { standbyProblem } from '../platform/database/session-settings.ts';
import { checkCostModels } from './cost-checks.ts';
import { describeFailure } from './failure.ts';
import { checkReader } from './reader-checks.ts';
import type { Services } from './services.ts';
import { checkLineItems } from './staging-checks.ts';
import { checkTrino } from './trino-checks.ts';
import { checkWorkers } from './worker-checks.ts';

/** One thing that was checked. */
export type Check = { what: string; found: string } & ({ ok: true } | { ok: false; repair: string });

/** Check database, schemas, object store and Temporal; every check runs, whatever the others find. */
export async function runChecks(services: Services): Promise<Check[]> {
  const groups = [
    checkDatabase,
    checkTenants,
    checkLineItems,
    checkCostModels,
    checkObjects,
    checkTemporal,
    checkTrino,
    checkApiCache,
    checkReader,
  ];
  const results = await Promise.allSettled(groups.map((group) => group(services)));
  return results.flatMap((result, index): Check[] =>
    result.status === 'fulfilled'
      ? result.value
      : [
          {
            what:
              [
                'database',
                'tenant schemas',
                'line items',
                'cost models',
                'object store',
                'Temporal',
                'Trino',
                'cache',
                'role of the read API',
              ][index] ?? '',
            ok: false,
            found: describeFailure(result.reason).message,
            repair:
              result.reason instanceof PipelineError
                ? 'as said there, then run doctor again'
                : 'make the server reachable with the configured address, then run doctor again',
          },
        ],
  );
}

async function checkDatabase({ pool }: Services): Promise<Check[]> {
  // Not in one of our transactions, which a standby refuses to begin.
  const client = await pool.connect();
  try {
    const facts = await readServerFacts(client);
    return [versionCheck(facts), encodingCheck(facts), writableCheck(facts)];
  } finally {
    client.release();
  }
}

function versionCheck(facts: ServerFacts): Check {
  const what = 'PostgreSQL';
  const found = facts.version;
  if (isSupportedVersion(facts)) return { what, ok: true, found };
  return { what, ok: false, found, repair: 'upgrade to PostgreSQL 15 or later' };
}

function encodingCheck({ encoding: found }: ServerFacts): Check {
  const what = 'encoding of the database';
  return found === 'UTF8' ? { what, ok: true, found } : { what, ok: false, found, repair: encodingRepair };
}

/** Our writes work in spite of `read only` defaults, but somebody who set them does not expect that. */
function writableCheck({ isInRecovery, readOnlyBy, database }: ServerFacts): Check {
  const what = 'writing to the database';
  if (isInRecovery) return { what, ok: false, ...standbyProblem };
  if (readOnlyBy === null) return { what, ok: true, found: 'allowed' };
  return {
    what,
    ok: false,
    found:
      `default_transaction_read_only is on (set by: ${readOnlyBy}): the database was declared read-only, ` +
      'and this program writes to it all the same',
    repair:
      `stop the workers, or undo it: alter database "${database}" reset default_transaction_read_only ` +
      '(or alter role …, alter system …)',
  };
}

async function checkTenants({ pool }: Services): Promise<Check[]> {
  const migrate = 'ocp-pipeline migrate';
  if (!(await relationExists(pool, 'public.payload_inbox')))
    return [{ what: 'schema public', ok: false, found: 'not migrated', repair: migrate }];
  if (await publicIsBehind(pool))
    return [{ what: 'schema public', ok: false, found: 'behind this version', repair: migrate }];
  const ofPublic = await checkSchema(pool, 'public');
  const checks: Check[] = [
    ofPublic.length === 0
      ? { what: 'schema public', ok: true, found: requiredVersion().publicMigration }
      : {
          what: 'schema public',
          ok: false,
          found: ofPublic.slice(0, 5).map(describeProblem).join('; '),
          repair: repairOf('public', ofPublic),
        },
  ];
  for (const schema of await registeredSchemas(pool)) checks.push(await checkTenant(pool, schema));
  return checks;
}

async function checkTenant(pool: Services['pool'], schema: string): Promise<Check> {
  const what = `schema ${schema}`;
  if (await tenantIsBehind(pool, schema))
    return { what, ok: false, found: 'behind this version', repair: 'ocp-pipeline migrate' };
  const lost = await lostFunctions(pool, schema, readDefinitions(shippedSources.definitions));
  if (lost.length > 0) return { what, ok: false, found: lostText(lost), repair: 'ocp-pipeline migrate' };
  const problems = await checkSchema(pool, schema);
  if (problems.length > 0)
    return {
      what,
      ok: false,
      found: problems.slice(0, 5).map(describeProblem).join('; '),
      repair: repairOf(schema, problems),
    };
  if (await kokuCameSecond(pool, schema))
    return {
      what,
      ok: false,
      found: 'Koku was installed after this pipeline',
      repair:
        'the supported order is Koku first: let Koku create the schema in a new database and ingest again',
    };
  return { what, ok: true, found: requiredVersion().tenantMigration };
}

/** Functions that somebody dropped or changed although the schema was migrated. */
function lostText(lost: readonly LostFunction[]): string {
  return (['missing', 'changed'] as const)
    .flatMap((state) => {
      const names = lost.filter((one) => one.state === state).map(({ functionName }) => functionName);
      if (names.length === 0) return [];
      const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
      const what = state === 'missing' ? 'functions are missing' : 'functions were changed by hand';
      return [`${what}: ${names.slice(0, 5).join(', ')}${more}`];
    })
    .join('; ');
}

async function checkObjects({ objectStore }: Services): Promise<Check[]> {
  const check = await checkObjectStore(objectStore);
  return [
    check.ok
      ? {
          what: 'object store',
          ok: true,
          found: `${check.location}: an object was written, read and deleted`,
        }
      : {
          what: 'object store',
          ok: false,
          found: `${check.failedStep}: ${check.message}`,
          repair:
            'check OBJECT_STORE, S3_ENDPOINT, the credentials and their rights to put, get, list and delete',
        },
  ];
}

async function checkApiCache({ config: { CACHE_URL: url } }: Services): Promise<Check[]> {
  if (url === undefined) return [];
  const what = "cache of Koku's API";
  const check = await checkCache(url);
  return [
    'problem' in check
      ? {
          what,
          ok: false,
          found: check.problem,
          repair: 'check CACHE_URL (host, port, user, password, database) and that the server runs',
        }
      : { what, ok: true, found: `${check.keyCount} keys` },
  ];
}

async function checkTemporal(services: Services): Promise<Check[]> {
  const client = await services.client();
  const namespace = services.temporal?.namespace ?? '';
  const missing = await missingSearchAttributes(client.connection as never, namespace);
  const checks: Check[] = [
    {
      what: 'Temporal',
      ok: true,
      found: `${services.temporal?.connectionOptions.address ?? ''}, namespace ${namespace}`,
    },
    missing.length === 0
      ? { what: 'search attributes', ok: true, found: 'all registered' }
      : {
          what: 'search attributes',
          ok: false,
          found: `missing: ${missing.join(', ')}`,
          repair: 'ocp-pipeline setup',
        },
  ];
  // The embedded server has workers only while a command runs one in its process.
  if (services.embedded.temporal) return checks;
  const { pool, config } = services;
  // A database that is behind, or cannot be reached, is reported by another check.
  const usesTrino =
    config.TRINO_URL !== undefined || (await userOfTrino(pool, config).catch(() => undefined)) !== undefined;
  return [...checks, ...(await checkWorkers(client, config.TEMPORAL_DEPLOYMENT_NAME, usesTrino))];
}
