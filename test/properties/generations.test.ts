import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { inTenantTransaction } from '../../platform/database/database.ts';
import { loadSql } from '../../platform/database/sql-files.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';

/**
 * Which hours of which pieces count (DOMAIN §1.9, right), decided by the SQL of the pipeline and, hour by hour, by the
 * small model below, over generated ledgers of one (kind, day) each.
 */

/** One file's piece of the day. */
interface PlannedPiece {
  /** UTC hours that have rows */
  hours: readonly number[];
  /** equal numbers are equal contents, where the hours are equal too */
  content: number;
  state: 'staged' | 'swept' | 'registered' | 'failed' | 'abandoned';
  file: 'split' | 'failed' | 'skipped';
}

interface PlannedManifest {
  daily: boolean;
  release: 'complete' | 'timeout' | null;
  /** days after the first of September */
  date: number;
  declaredHours: number;
  pieces: readonly PlannedPiece[];
}

/** A manifest with the ids it gets in the ledger. */
interface KnownManifest extends PlannedManifest {
  uuid: string;
}

const chooseLive = loadSql('summary/daily/choose_live_generations.sql');
const usageDay = '2026-10-01';
const allHours = Array.from({ length: 24 }, (_, hour) => hour);

const hours = fc.oneof(
  fc.tuple(fc.nat(23), fc.nat(23)).map(([a, b]) => allHours.slice(Math.min(a, b), Math.max(a, b) + 1)),
  fc.constantFrom(allHours, allHours.slice(0, 12), allHours.slice(12), allHours.slice(6, 18)),
  fc.subarray(allHours, { minLength: 1 }),
);
const piece: fc.Arbitrary<PlannedPiece> = fc.record({
  hours,
  content: fc.nat(2),
  state: fc.constantFrom('staged', 'staged', 'staged', 'staged', 'swept', 'registered', 'abandoned'),
  file: fc.constantFrom('split', 'split', 'split', 'split', 'skipped', 'failed'),
});
const manifests = fc.array(
  fc.record({
    daily: fc.boolean(),
    release: fc.constantFrom('complete', 'complete', 'complete', 'timeout', null),
    date: fc.nat(3),
    declaredHours: fc.constantFrom(0, 0, 12, 24),
    pieces: fc.array(piece, { minLength: 1, maxLength: 3 }),
  }) satisfies fc.Arbitrary<PlannedManifest>,
  { minLength: 1, maxLength: 6 },
);

const checksum = ({ hours: own, content }: PlannedPiece): string => `${content}:${own.join(',')}`;

/** DOMAIN §1.9 read literally: live hours of each piece, by manifest; null: not judged. */
function model(known: readonly KnownManifest[]): (number[] | null)[][] {
  const counted = (manifest: PlannedManifest) => manifest.pieces.filter(({ state }) => state !== 'abandoned');
  const eligible = known.filter(
    (manifest) =>
      manifest.release !== null &&
      counted(manifest).length > 0 &&
      counted(manifest).every(({ state }) => state === 'staged' || state === 'swept') &&
      // A re-sent file that fails keeps what it brought before: then it has a loaded piece.
      manifest.pieces.every(
        ({ file, state }) => file !== 'failed' || state === 'staged' || state === 'swept',
      ),
  );
  const complete = (manifest: PlannedManifest) =>
    manifest.release === 'complete' && manifest.pieces.every(({ file }) => file !== 'skipped');
  const hoursOf = (manifest: PlannedManifest) => new Set(counted(manifest).flatMap((one) => one.hours));
  const coveredHours = (manifest: PlannedManifest) => manifest.declaredHours || hoursOf(manifest).size;
  const inOrder = eligible
    .filter(({ daily }) => daily)
    .sort(
      (a, b) =>
        Number(complete(b)) - Number(complete(a)) ||
        coveredHours(b) - coveredHours(a) ||
        b.date - a.date ||
        (b.uuid > a.uuid ? 1 : -1),
    );
  const ownerOf = (hour: number) => inOrder.find((manifest) => hoursOf(manifest).has(hour));
  const additive = eligible
    .filter(({ daily }) => !daily)
    .sort((a, b) => a.date - b.date || (a.uuid > b.uuid ? 1 : -1));
  const firstWith = (content: string) =>
    additive.find((manifest) => counted(manifest).some((one) => checksum(one) === content));
  return known.map((manifest) =>
    manifest.pieces.map((one) => {
      if (one.state === 'abandoned') return [];
      // Judged when it is loaded.
      if (eligible.length === 0 || one.state === 'registered') return null;
      if (manifest.daily) return one.hours.filter((hour) => ownerOf(hour) === manifest);
      if (!eligible.includes(manifest) || firstWith(checksum(one)) !== manifest) return [];
      return one.hours.filter((hour) => ownerOf(hour) === undefined);
    }),
  );
}

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});

/** Enter the manifests in the ledger of a source of their own, in the order given, and choose. @returns as `model` */
async function chosen(
  known: readonly KnownManifest[],
  order: readonly number[],
): Promise<(number[] | null)[][]> {
  const sourceUuid = randomUUID();
  const rows = await inTenantTransaction(database.pool, database.schema, async (client) => {
    for (const index of order) {
      const manifest = known[index];
      if (manifest === undefined) continue;
      await client.query(
        `with manifest as (
             insert into ocp_manifest (manifest_id, source_uuid, manifest_uuid, manifest_date, daily_reports, release)
             select coalesce(max(manifest_id), 0) + 1, $1, $2, '2026-09-01'::date + $3::integer, $4, $5 from ocp_manifest
             returning manifest_id
         ),
         planned as (
             select * from jsonb_to_recordset($6) as piece (number integer, mask integer, checksum text, state text, file text)
         ),
         file as (
             insert into ocp_file (manifest_id, file_index, file_name, report_kind, state)
             select manifest_id, number, number::text, 'pod_usage', file from manifest, planned
             returning file_id, file_index, manifest_id
         )
         insert into ocp_piece (
             file_id, manifest_id, source_uuid, report_period_id, report_kind, usage_day, object_key, byte_count, row_count,
             declared_hours, hour_mask, checksum, state
         )
         select file_id, manifest_id, $1, 1, 'pod_usage', '${usageDay}', 'k', 0, 1, $7, mask, checksum, planned.state
         from file join planned on planned.number = file.file_index`,
        [
          sourceUuid,
          manifest.uuid,
          manifest.date,
          manifest.daily,
          manifest.release,
          JSON.stringify(
            manifest.pieces.map((one, number) => ({
              number,
              mask: one.hours.reduce((mask, hour) => mask | (1 << hour), 0),
              checksum: checksum(one),
              state: one.state,
              file: one.file,
            })),
          ),
          manifest.declaredHours,
        ],
      );
    }
    await client.query(chooseLive, [sourceUuid, '2026-10-01']);
    const found = await client.query<{
      manifest_uuid: string;
      file_index: number;
      live_hours: number | null;
    }>(
      `select manifest_uuid, file_index, live_hours
       from ocp_piece join ocp_file using (file_id) join ocp_manifest on ocp_manifest.manifest_id = ocp_piece.manifest_id
       where ocp_piece.source_uuid = $1`,
      [sourceUuid],
    );
    return found.rows;
  });
  return known.map(({ uuid, pieces }) =>
    pieces.map((_, number) => {
      const row = rows.find((one) => one.manifest_uuid === uuid && one.file_index === number);
      if (row === undefined) throw new Error('the ledger lost a piece');
      const mask = row.live_hours;
      return mask === null ? null : allHours.filter((hour) => (mask & (1 << hour)) !== 0);
    }),
  );
}

test('the live hours are those of the model, in whatever order the manifests came', async () => {
  const property = fc.asyncProperty(manifests, fc.infiniteStream(fc.nat()), async (planned, keys) => {
    const known = planned.map((manifest) => ({ ...manifest, uuid: randomUUID() }));
    const inTurn = known.map((_, index) => index);
    const shuffled = inTurn
      .map((index) => ({ index, key: keys.next().value as number }))
      .sort((a, b) => a.key - b.key)
      .map(({ index }) => index);
    const expected = model(known);
    expect(await chosen(known, inTurn)).toEqual(expected);
    expect(await chosen(known, shuffled)).toEqual(expected);
  });
  await fc.assert(property, { seed: 306, numRuns: 150 });
});
