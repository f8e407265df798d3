import type { Pool, PoolClient } from 'pg';
import { PipelineError } from '../domain/failures/failures.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { loadSql } from '../platform/database/sql-files.ts';
import { isPlainList } from './cost-model.ts';
import type { PriceList } from './cost-model.ts';
import { readExact } from './exact-text.ts';

/** Ids of a cost model's rows. */
export interface KnownModel {
  uuid: string;
  lists: KnownList[];
}

export interface KnownList {
  uuid: string;
  name: string;
  /** uuid of each rate by its name */
  rates: Record<string, string>;
  /** names of other models that have the list too, which Koku allows */
  sharedWith: string[];
}

/** A cost model as `cost-model list` shows it. */
export interface ListedModel {
  uuid: string;
  name: string;
  currency: string;
  /** sources it applies to */
  sourceUuids: string[];
  priceListCount: number;
  rateCount: number;
  updatedAt: Date;
}

/** What `show` needs to know of a stored document; the rest is passed on as it is. */
interface StoredDocument {
  name: string;
  markup: object;
  price_lists: StoredList[];
}

interface StoredList extends Omit<PriceList, 'rates'> {
  /** with the ids of their rows, `rate_id` */
  rates: object[];
}

const knownModelsSql = loadSql('costs/known_models.sql');
const storedModelSql = loadSql('costs/stored_model.sql');
const listedModelsSql = loadSql('costs/listed_models.sql');

/**
 * One change of cost models at a time, of ours or of Koku: two that are right by themselves could make two models of
 * one name, or give a cluster two models. Reading goes on.
 */
export async function lockModels(client: PoolClient): Promise<void> {
  await client.query('lock table cost_model, cost_model_map in share row exclusive mode');
}

/** @throws PipelineError `ConfigInvalid` when two models have the name */
export async function findModel(client: PoolClient, name: string): Promise<KnownModel | undefined> {
  const { rows } = await client.query<KnownModel>(knownModelsSql, [name]);
  if (rows.length > 1) throw ambiguous(name, rows.length);
  return rows[0];
}

/** @throws PipelineError `ConfigInvalid` when there is no such model, or more than one */
export async function requireModel(client: PoolClient, name: string): Promise<KnownModel> {
  const model = await findModel(client, name);
  if (model === undefined) throw unknown(name);
  return model;
}

function ambiguous(name: string, count: number): PipelineError {
  return new PipelineError(
    'ConfigInvalid',
    `Cost model ${name}: ${count} models have this name, and a model is known by it; rename or remove one in Koku`,
  );
}

function unknown(name: string): PipelineError {
  return new PipelineError(
    'ConfigInvalid',
    `Cost model ${name}: there is none of this name; ocp-pipeline cost-model list shows those there are`,
  );
}

/** Cost models of a tenant for OpenShift, by name. */
export async function listModels(pool: Pool, schema: string): Promise<ListedModel[]> {
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<ListedModel>(listedModelsSql),
  );
  return rows;
}

/**
 * The document of a cost model; `apply` of it changes nothing. Numbers in it are Decimals.
 * @throws PipelineError `ConfigInvalid` when there is no such model, or more than one
 */
export async function showModel(pool: Pool, schema: string, name: string): Promise<object> {
  const { rows } = await inTenantTransaction(pool, schema, (client) =>
    client.query<{ document: string }>(storedModelSql, [name]),
  );
  if (rows.length > 1) throw ambiguous(name, rows.length);
  if (rows[0] === undefined) throw unknown(name);
  return documentOf(readExact(rows[0].document, 'json', `cost model ${name}`) as StoredDocument);
}

/** A list that stands for plain `rates` is written so again; empty markup and descriptions of lists are left out. */
function documentOf({ price_lists, ...model }: StoredDocument): object {
  const { markup, ...withoutMarkup } = model;
  const head = Object.keys(markup).length === 0 ? withoutMarkup : model;
  const lists = price_lists.map(({ rates, ...list }) => ({
    ...list,
    rates: rates.map((rate) =>
      Object.fromEntries(Object.entries(rate).filter(([field]) => field !== 'rate_id')),
    ),
  }));
  const [list, ...others] = lists;
  if (list === undefined) return { ...head, rates: [] };
  return others.length === 0 && isPlainList(model.name, list)
    ? { ...head, rates: list.rates }
    : { ...head, price_lists: lists };
}
