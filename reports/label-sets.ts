import { createHash } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { canonicalLabels, parseLabels } from '../domain/reports/labels.ts';
import { inTenantTransaction } from '../platform/database/database.ts';
import { remembered } from './fast-path/remembered.ts';

interface CanonicalSet {
  /** as it was in the CSV */
  text: string;
  keys: string[];
  /** JSON with sorted keys */
  labels: string;
  /** SHA-256 of `labels`, hexadecimal */
  hash: string;
}

/** Parsed texts of earlier loads: the files of one day have the same labels. Texts only, so it cannot become stale. */
const canonicalSet = remembered(
  (text): CanonicalSet => {
    const parsed = parseLabels(text);
    const labels = canonicalLabels(parsed);
    return { text, keys: Object.keys(parsed), labels, hash: hashOf(labels) };
  },
  // A set contains its text three times: about 40 MB at most, for all runs together.
  { maxTexts: 20_000, maxCharacters: 8_000_000, whenFull: 'forget' },
);

/** Limits on what one manifest may add; without it there are none. */
export interface LabelBounds {
  manifestId: number;
  /** maximum number of new label keys; further ones stay in their sets and are not registered */
  maxNewKeys: number;
  /** maximum number of new label sets; further ones are reduced to the keys that count */
  maxNewSets: number;
}

/** What a load left out because of the limits. */
export interface LeftOutLabels {
  keyCount: number;
  reducedSetCount: number;
}

/** Keys that summaries read by name, whether or not they are enabled. */
const keysReadByName = ['vm_kubevirt_io_name', 'node_role_kubernetes_io', 'kubernetes_io_arch'];

interface StoredSet {
  id: number;
  labels: string;
}

interface SetToStore {
  hash: string;
  labels: string;
  texts: string[];
}

/**
 * Ids of label sets for one load attempt. Labels repeat every hour, so each distinct label text is parsed once and each
 * distinct set is stored once; ids are cached by the text in the CSV.
 *
 * New sets are stored in short transactions of their own, before the COPY that refers to them: a load that fails later
 * leaves unreferenced sets, which the sweep removes. They do not wait for the disk: the commit of the COPY does, and
 * with its own record it writes all earlier ones; a crash before it takes the load with them. Else the loads of a
 * manifest, which count their sets in one row, would wait for each other's disk. Every row gets a set, and with it
 * every label that counts today; a limit removes only labels that somebody might enable later.
 */
export class LabelSets {
  readonly #setsByText = new Map<string, StoredSet>();
  readonly #seenKeys = new Set<string>();
  readonly #pool: Pool;
  readonly #schema: string;
  readonly #registersKeys: boolean;
  readonly #bounds: LabelBounds | undefined;
  readonly #leftOut: LeftOutLabels = { keyCount: 0, reducedSetCount: 0 };

  /**
   * @param registersKeys register unknown keys as disabled; not for virtual machines, whose labels are those of their
   *   pods
   */
  constructor(pool: Pool, schema: string, registersKeys: boolean, bounds?: LabelBounds) {
    this.#pool = pool;
    this.#schema = schema;
    this.#registersKeys = registersKeys;
    this.#bounds = bounds;
  }

  /** What the limits of the manifest have made this load leave out so far. */
  get leftOut(): Readonly<LeftOutLabels> {
    return this.#leftOut;
  }

  /** Id of the set for a label text; undefined until {@link store} was called with the text. */
  id(text: string): number | undefined {
    return this.#setsByText.get(text)?.id;
  }

  /** The stored set for a label text, as JSON with sorted keys; undefined until {@link store} was called with it. */
  labels(text: string): string | undefined {
    return this.#setsByText.get(text)?.labels;
  }

  /** Ensure that every label text has an id. One round trip, none if all are known. */
  async store(texts: Iterable<string>, signal?: AbortSignal): Promise<void> {
    const setsByHash = new Map<string, SetToStore>();
    const newKeys = new Set<string>();
    for (const text of texts) {
      if (this.#setsByText.has(text)) continue;
      const { text: knownText, keys, labels, hash } = canonicalSet(text);
      // The text of the cached set: the loads of a day then share one copy of it.
      addTexts(setsByHash, { hash, labels, texts: [knownText] });
      if (this.#registersKeys) for (const key of keys) if (!this.#seenKeys.has(key)) newKeys.add(key);
    }
    if (setsByHash.size === 0) return;
    const done = await inTenantTransaction(
      this.#pool,
      this.#schema,
      async (client) => {
        await client.query(`set local synchronous_commit = off`);
        const leftOutKeys = newKeys.size === 0 ? 0 : await registerKeys(client, newKeys, this.#bounds);
        const ids = await storeSets(client, [...setsByHash.values()], this.#bounds);
        const beyond = [...setsByHash.values()].filter(({ hash }) => !ids.has(hash));
        const reduced = beyond.length === 0 ? [] : await reduceSets(client, beyond);
        const reducedIds = await storeSets(client, reduced);
        return { leftOutKeys, ids, reducedCount: beyond.length, reduced, reducedIds };
      },
      signal,
    );
    this.#remember(setsByHash.values(), done.ids);
    this.#remember(done.reduced, done.reducedIds);
    this.#leftOut.keyCount += done.leftOutKeys;
    this.#leftOut.reducedSetCount += done.reducedCount;
    for (const key of newKeys) this.#seenKeys.add(key);
  }

  #remember(sets: Iterable<SetToStore>, ids: ReadonlyMap<string, number>): void {
    for (const { hash, labels, texts } of sets) {
      const id = ids.get(hash);
      if (id === undefined) continue;
      const stored = { id, labels };
      for (const text of texts) this.#setsByText.set(text, stored);
    }
  }
}

/**
 * Ids of label sets that are given as JSON with sorted keys; those that are not known, or were swept, are stored. In
 * the caller's transaction.
 * @returns id by JSON
 */
export async function labelSetIds(client: PoolClient, sets: readonly string[]): Promise<Map<string, number>> {
  const toStore = sets.map((labels) => ({ hash: hashOf(labels), labels, texts: [] }));
  const ids = await storeSets(client, toStore);
  return new Map(
    toStore.flatMap(({ hash, labels }) => {
      const id = ids.get(hash);
      return id === undefined ? [] : [[labels, id]];
    }),
  );
}

function addTexts(setsByHash: Map<string, SetToStore>, set: SetToStore): void {
  const known = setsByHash.get(set.hash);
  if (known === undefined) setsByHash.set(set.hash, set);
  else known.texts.push(...set.texts);
}

/** @returns how many were left out */
async function registerKeys(
  client: PoolClient,
  keys: ReadonlySet<string>,
  bounds: LabelBounds | undefined,
): Promise<number> {
  const { rows } = await client.query<{ left_out: number }>(
    'select ocp_register_label_keys($1, $2, $3) as left_out',
    [[...keys], bounds?.manifestId, bounds?.maxNewKeys],
  );
  return rows[0]?.left_out ?? 0;
}

/** @returns ids by hash; a new set beyond the limit has none */
async function storeSets(
  client: PoolClient,
  sets: readonly SetToStore[],
  bounds?: LabelBounds,
): Promise<Map<string, number>> {
  if (sets.length === 0) return new Map();
  const { rows } = await client.query<{ hash: string; label_set_id: number }>(
    `select encode(labels_hash, 'hex') as hash, label_set_id
     from ocp_label_set_ids($1::bytea[], $2::jsonb[], $3, $4)`,
    [
      sets.map(({ hash }) => Buffer.from(hash, 'hex')),
      sets.map(({ labels }) => labels),
      bounds?.manifestId,
      bounds?.maxNewSets,
    ],
  );
  return new Map(rows.map(({ hash, label_set_id }) => [hash, label_set_id]));
}

/** The sets with the keys that count only: few, however many sets there were. */
async function reduceSets(client: PoolClient, sets: readonly SetToStore[]): Promise<SetToStore[]> {
  const { rows } = await client.query<{ keys: string[] }>('select ocp_enabled_keys() as keys');
  const kept = new Set([...(rows[0]?.keys ?? []), ...keysReadByName]);
  const reduced = new Map<string, SetToStore>();
  for (const set of sets) {
    const all = Object.entries(JSON.parse(set.labels) as Record<string, string>);
    // Without prototype, as parsed labels are: "__proto__" is a key like any other.
    const labels = Object.create(null) as Record<string, string>;
    for (const [key, value] of all) if (kept.has(key)) labels[key] = value;
    const text = canonicalLabels(labels);
    addTexts(reduced, { hash: hashOf(text), labels: text, texts: [...set.texts] });
  }
  return [...reduced.values()];
}

function hashOf(labels: string): string {
  return createHash('sha256').update(labels).digest('hex');
}
