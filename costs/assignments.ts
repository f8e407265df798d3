import type { Pool, PoolClient } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { lockModels, requireModel } from './stored-models.ts';

/** A cluster as costs know it. */
export interface AssignedSource {
  sourceUuid: string;
  clusterId: string;
}

/** What changed, by cluster id. */
export interface Assignment {
  /** clusters that have the model now and did not before */
  assigned: string[];
}

const holdersSql = loadSql('costs/model_holders.sql');
const dropPriceListsSql = loadSql('costs/drop_price_lists.sql');

/**
 * Give a cost model to sources; one that has it keeps it.
 *
 * @param options.move take sources from the models that hold them
 * @throws PipelineError `ConfigInvalid`, nothing having changed, when there is no such model, or another holds a source
 */
export async function assignModel(
  pool: Pool,
  schema: string,
  name: string,
  options: { sources: readonly AssignedSource[]; move: boolean },
): Promise<Assignment> {
  return inTenantTransaction(pool, schema, async (client) => {
    await lockModels(client);
    const { uuid } = await requireModel(client, name);
    return assignSources(client, { uuid, name }, options);
  });
}

/** As {@link assignModel}, in the caller's transaction, which holds the lock. */
export async function assignSources(
  client: PoolClient,
  model: { uuid: string; name: string },
  { sources, move }: { sources: readonly AssignedSource[]; move: boolean },
): Promise<Assignment> {
  const uuids = sources.map(({ sourceUuid }) => sourceUuid);
  const { rows } = await client.query<{ sourceUuid: string; modelUuid: string; modelName: string }>(
    holdersSql,
    [uuids],
  );
  const others = rows.filter(({ modelUuid }) => modelUuid !== model.uuid);
  if (others.length > 0 && !move) {
    const held = sources.flatMap(({ sourceUuid, clusterId }) => {
      const names = others.filter((row) => row.sourceUuid === sourceUuid).map((row) => row.modelName);
      return names.length === 0 ? [] : [`${clusterId} has ${names.join(' and ')}`];
    });
    throw new PipelineError(
      'ConfigInvalid',
      `Cost model ${model.name}: a cluster can have one cost model, and ${held.join('; ')}; --move takes it from there`,
      { details: { held } },
    );
  }
  await client.query(
    'delete from cost_model_map where provider_uuid = any($1::uuid[]) and cost_model_id is distinct from $2',
    [uuids, model.uuid],
  );
  const added = await client.query<{ provider_uuid: string }>(
    `insert into cost_model_map (provider_uuid, cost_model_id)
     select unnest($1::uuid[]), $2
     on conflict (provider_uuid, cost_model_id) do nothing
     returning provider_uuid`,
    [[...new Set(uuids)], model.uuid],
  );
  const isNew = new Set(added.rows.map((row) => row.provider_uuid));
  return {
    assigned: sources.filter(({ sourceUuid }) => isNew.has(sourceUuid)).map(({ clusterId }) => clusterId),
  };
}

/**
 * Take a cost model from sources.
 * @returns how many had it
 * @throws PipelineError `ConfigInvalid` when there is no such model
 */
export async function unassignModel(
  pool: Pool,
  schema: string,
  name: string,
  sources: readonly AssignedSource[],
): Promise<number> {
  return inTenantTransaction(pool, schema, async (client) => {
    await lockModels(client);
    const { uuid } = await requireModel(client, name);
    const { rowCount } = await client.query(
      'delete from cost_model_map where cost_model_id = $1 and provider_uuid = any($2::uuid[])',
      [uuid, sources.map(({ sourceUuid }) => sourceUuid)],
    );
    return rowCount ?? 0;
  });
}

/**
 * Remove a cost model with its price lists; a list that another model has too stays.
 * @returns how many sources had it, and have none now
 * @throws PipelineError `ConfigInvalid` when there is no such model
 */
export async function removeModel(pool: Pool, schema: string, name: string): Promise<number> {
  return inTenantTransaction(pool, schema, async (client) => {
    await lockModels(client);
    const { uuid } = await requireModel(client, name);
    await client.query(dropPriceListsSql, [uuid, []]);
    const { rowCount } = await client.query('delete from cost_model_map where cost_model_id = $1', [uuid]);
    await client.query('delete from cost_model where uuid = $1', [uuid]);
    return rowCount ?? 0;
  });
}
