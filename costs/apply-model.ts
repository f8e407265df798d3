import { randomUUID } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { metrics } from '../domain/costs/metrics.ts';
import { PipelineError } from '../domain/failures/failures.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { assignSources } from './assignments.ts';
import type { AssignedSource, Assignment } from './assignments.ts';
import { firstList } from './cost-model.ts';
import type { CostModel, PriceList, Rate } from './cost-model.ts';
import { exactJson } from './exact-text.ts';
import { refuseChildKeys } from './mapped-keys.ts';
import { findModel, lockModels } from './stored-models.ts';
import type { KnownList, KnownModel } from './stored-models.ts';

/** What `apply` did. */
export interface Applied extends Assignment {
  outcome: 'created' | 'changed' | 'unchanged';
  modelUuid: string;
}

/** How a document is applied. */
export interface ApplyOptions {
  /** where the document comes from, for messages */
  source: string;
  /** sources that get the model; those that have it keep it */
  sources: readonly AssignedSource[];
  /** take sources from the models that hold them */
  move: boolean;
}

/** A price list with the ids of its rows; rates carry theirs as `rate_id`, which Koku has in its JSON too. */
interface IdentifiedList extends PriceList {
  uuid: string;
  rates: (Rate & { rate_id: string })[];
}

const saveModelSql = loadSql('costs/save_model.sql');
const savePriceListsSql = loadSql('costs/save_price_lists.sql');
const savePrioritiesSql = loadSql('costs/save_priorities.sql');
const saveRatesSql = loadSql('costs/save_rates.sql');
const dropRatesSql = loadSql('costs/drop_rates.sql');
const dropPriceListsSql = loadSql('costs/drop_price_lists.sql');

/**
 * Make the cost model of this name what the document says, and give it to sources. A model that is the same already is
 * left alone, with its dates. Sources that have it keep it.
 *
 * @throws PipelineError `ConfigInvalid`, nothing having changed, when a rate is by a key that is mapped to another, a
 *   changed price list belongs to other models too, another model holds a source, or two models have the name
 */
export async function applyModel(
  pool: Pool,
  schema: string,
  model: CostModel,
  options: ApplyOptions,
): Promise<Applied> {
  return inTenantTransaction(pool, schema, (client) => applyModelIn(client, model, options));
}

/** As {@link applyModel}, in the caller's transaction. */
export async function applyModelIn(
  client: PoolClient,
  model: CostModel,
  options: ApplyOptions,
): Promise<Applied> {
  await lockModels(client);
  await refuseChildKeys(client, model, options.source);
  const known = await findModel(client, model.name);
  const uuid = known?.uuid ?? randomUUID();
  const changed = await save(client, uuid, model, known);
  const assignment = await assignSources(client, { uuid, name: model.name }, options);
  const outcome = known === undefined ? 'created' : changed ? 'changed' : 'unchanged';
  return { outcome, modelUuid: uuid, ...assignment };
}

/** @returns whether any row changed */
async function save(
  client: PoolClient,
  uuid: string,
  model: CostModel,
  known: KnownModel | undefined,
): Promise<boolean> {
  const { price_lists, ...head } = model;
  const lists = identified(price_lists, known?.lists ?? []);
  const ids = lists.map((list) => list.uuid);
  // Koku's model has the rates of one list, of the times when there was no other.
  const rates = exactJson(firstList(lists)?.rates ?? []);
  const written = await client.query(saveModelSql, [uuid, exactJson(head), rates]);
  const changedLists = await client.query<{ uuid: string }>(savePriceListsSql, [exactJson(lists)]);
  refuseSharedLists(known?.lists ?? [], new Set(changedLists.rows.map((list) => list.uuid)));
  const priorities = await client.query(savePrioritiesSql, [uuid, exactJson(lists)]);
  const rows = lists.flatMap((list) => list.rates.map((rate) => rateRow(list.uuid, rate)));
  const droppedRates = await client.query(dropRatesSql, [ids, rows.map((row) => row.uuid)]);
  const savedRates = await client.query(saveRatesSql, [exactJson(rows)]);
  const droppedLists = await client.query(dropPriceListsSql, [uuid, ids]);
  return [written, changedLists, priorities, droppedRates, savedRates, droppedLists].some(
    ({ rowCount }) => (rowCount ?? 0) > 0,
  );
}

/** Lists and rates keep the ids that they have under their names. */
function identified(lists: readonly PriceList[], known: readonly KnownList[]): IdentifiedList[] {
  return lists.map((list) => {
    const before = known.find(({ name }) => name === list.name);
    const rateIds = new Map(Object.entries(before?.rates ?? {}));
    return {
      ...list,
      uuid: before?.uuid ?? randomUUID(),
      rates: list.rates.map((rate) => ({ ...rate, rate_id: rateIds.get(rate.custom_name) ?? randomUUID() })),
    };
  });
}

/** A change for this model would be a change for others that nobody asked for. */
function refuseSharedLists(known: readonly KnownList[], changed: ReadonlySet<string>): void {
  const shared = known.filter((list) => changed.has(list.uuid) && list.sharedWith.length > 0);
  if (shared.length === 0) return;
  const named = shared.map(({ name, sharedWith }) => `${name} (also of ${sharedWith.join(', ')})`);
  throw new PipelineError(
    'ConfigInvalid',
    `Price list ${named.join('; ')}: other cost models have it too, and it would change for them; ` +
      'give the list another name in this document',
    { details: { lists: named } },
  );
}

function rateRow(listUuid: string, rate: Rate & { rate_id: string }) {
  return {
    uuid: rate.rate_id,
    price_list_id: listUuid,
    custom_name: rate.custom_name,
    description: rate.description ?? '',
    metric: rate.metric.name,
    metric_type: metrics[rate.metric.name].metricType,
    cost_type: rate.cost_type,
    // The price of the first tier is the one that applies.
    default_rate: rate.tiered_rates?.[0]?.value ?? null,
    tag_key: rate.tag_rates?.tag_key ?? '',
    tag_values: rate.tag_rates?.tag_values ?? [],
  };
}
