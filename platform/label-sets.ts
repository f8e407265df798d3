import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import { canonicalLabels, parseLabels } from '../domain/labels.ts';
import { inTenantTransaction } from './database.ts';

interface CanonicalSet {
  /** as it stood in the CSV */
  text: string;
  keys: string[];
  /** JSON with sorted keys */
  labels: string;
  /** SHA-256 of `labels`, hexadecimal */
  hash: string;
}

/** What texts of earlier loads meant: the files of one day have the same labels. Texts only, so it cannot go stale. */
const canonicalSets = new Map<string, CanonicalSet>();
const mostRememberedSets = 20_000;
/** A text of hostile length is not worth keeping. */
const longestRememberedText = 2_000;

function canonicalSet(text: string): CanonicalSet {
  const known = canonicalSets.get(text);
  if (known !== undefined) return known;
  const parsed = parseLabels(text);
  const labels = canonicalLabels(parsed);
  const hash = createHash('sha256').update(labels).digest('hex');
  const set = { text, keys: Object.keys(parsed), labels, hash };
  if (canonicalSets.size >= mostRememberedSets) canonicalSets.clear();
  if (text.length <= longestRememberedText) canonicalSets.set(text, set);
  return set;
}

/**
 * Ids of label sets for one load attempt. Labels repeat every hour, so each distinct label text is parsed once and each
 * distinct set is stored once; ids are remembered by the text as it stands in the CSV.
 *
 * New sets are stored in short transactions of their own, before the COPY that refers to them: a load that fails later
 * leaves sets that nothing refers to, which the sweep removes.
 */
export class LabelSets {
  readonly #idsByText = new Map<string, number>();
  readonly #seenKeys = new Set<string>();
  readonly #pool: Pool;
  readonly #schema: string;
  readonly #registersKeys: boolean;

  /** @param registersKeys enter keys nobody has seen as disabled; not for virtual machines, whose labels are their pod's */
  constructor(pool: Pool, schema: string, registersKeys: boolean) {
    this.#pool = pool;
    this.#schema = schema;
    this.#registersKeys = registersKeys;
  }

  /** Id of the set that a label text stands for; undefined until {@link store} was called with the text. */
  id(text: string): number | undefined {
    return this.#idsByText.get(text);
  }

  /** Make sure that every label text has an id. One round trip, none when all are known. */
  async store(texts: Iterable<string>, signal?: AbortSignal): Promise<void> {
    const textsByHash = new Map<string, { labels: string; texts: string[] }>();
    const newKeys = new Set<string>();
    for (const text of texts) {
      if (this.#idsByText.has(text)) continue;
      const { text: knownText, keys, labels, hash } = canonicalSet(text);
      const known = textsByHash.get(hash);
      // The text of the remembered set: the loads of a day then share one copy of it.
      if (known === undefined) textsByHash.set(hash, { labels, texts: [knownText] });
      else known.texts.push(knownText);
      if (this.#registersKeys) for (const key of keys) if (!this.#seenKeys.has(key)) newKeys.add(key);
    }
    if (textsByHash.size === 0) return;
    const hashes = [...textsByHash.keys()];
    const rows = await inTenantTransaction(
      this.#pool,
      this.#schema,
      async (client) => {
        if (newKeys.size > 0) await client.query('select ocp_register_label_keys($1)', [[...newKeys]]);
        const found = await client.query<{ hash: string; label_set_id: number }>(
          `select encode(labels_hash, 'hex') as hash, label_set_id from ocp_label_set_ids($1::bytea[], $2::jsonb[])`,
          [
            hashes.map((hash) => Buffer.from(hash, 'hex')),
            hashes.map((hash) => textsByHash.get(hash)?.labels),
          ],
        );
        return found.rows;
      },
      signal,
    );
    for (const { hash, label_set_id } of rows)
      for (const text of textsByHash.get(hash)?.texts ?? []) this.#idsByText.set(text, label_set_id);
    for (const key of newKeys) this.#seenKeys.add(key);
  }
}
