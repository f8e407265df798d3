import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { archiveOf, editHeader, tarOf } from '../../payload/archives.ts';
import type { TestMember } from '../../payload/archives.ts';
import { buildPayload } from '../../support/payload-builder.ts';
import { countAllRows } from '../../support/tables.ts';
import { createBadInput } from './bad-input.ts';
import type { BadInput } from './bad-input.ts';

const clusterId = 'archives';
let input: BadInput;
let members: TestMember[];

beforeAll(async () => {
  input = await createBadInput();
  await input.registerCluster(clusterId);
  const { manifest, files } = buildPayload(
    { namespace_labels: [{ hour: '2026-10-01 00:00', namespace: 'shop', namespace_labels: 'label_a:b' }] },
    { clusterId },
  );
  members = [
    ...[...files].map(([name, content]) => ({ name, content })),
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  ];
});

/** Tables that have more or fewer rows than before. */
async function changedTables(before: ReadonlyMap<string, number>): Promise<string[]> {
  const after = await countAllRows(input.cli.database);
  return [...after].flatMap(([table, count]) => (count === before.get(table) ? [] : [table])).sort();
}

/** Zeros: a thousand times smaller than what they expand to. */
async function bomb(megabytes: number): Promise<Buffer> {
  return gzipSync(
    await tarOf([{ name: 'bomb.csv', content: Buffer.alloc(megabytes * 1_000_000) }, ...members]),
  );
}

describe('an archive is refused at once, leaves no data, and status says why', () => {
  const cases: [what: string, archive: () => Promise<Buffer>, reason: RegExp][] = [
    [
      'a symbolic link',
      () => archiveOf([...members, { name: 'a.csv', type: 'symlink', linkname: '/etc/passwd' }]),
      /contains a member "a\.csv" of type symlink/,
    ],
    [
      'a hard link',
      () => archiveOf([{ name: 'a.csv', type: 'link', linkname: 'manifest.json' }, ...members]),
      /contains a member "a\.csv" of type link/,
    ],
    [
      'a character device',
      () => archiveOf([{ name: 'null', type: 'character-device' }, ...members]),
      /contains a member "null" of type character-device/,
    ],
    [
      'a block device',
      () => archiveOf([{ name: 'sda', type: 'block-device' }, ...members]),
      /contains a member "sda" of type block-device/,
    ],
    [
      'a named pipe',
      () => archiveOf([{ name: 'pipe', type: 'fifo' }, ...members]),
      /contains a member "pipe" of type fifo/,
    ],
    [
      'an absolute name',
      () => archiveOf([{ name: '/etc/cron.d/job', content: 'x' }, ...members]),
      /contains a member with the unsafe name "\/etc\/cron\.d\/job"/,
    ],
    [
      'a name that climbs out',
      () => archiveOf([{ name: 'a/../../b.csv', content: 'x' }, ...members]),
      /contains a member with the unsafe name "a\/\.\.\/\.\.\/b\.csv"/,
    ],
    ['a gzip bomb', () => bomb(150), /expands more than 200 times/],
    [
      'a member longer than the archive',
      async () => {
        const tar = await tarOf(members);
        editHeader(tar, (header) => header.write('77777777777\0', 124)); // 8 GiB
        return gzipSync(tar);
      },
      /ends in the middle of a tar member/,
    ],
    [
      'a cut in the middle',
      async () => {
        const whole = await archiveOf(members);
        return whole.subarray(0, whole.length / 2);
      },
      /ends in the middle of the gzip stream/,
    ],
  ];
  test.for(cases)('with %s', async ([, archive, reason]) => {
    const before = await countAllRows(input.cli.database);
    const { handle } = await input.start(await archive());
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'ManifestInvalid', message: expect.stringMatching(reason) as string },
    });
    expect(await changedTables(before)).toEqual(['public.ingest_failure', 'public.payload_inbox']);
    const { stdout } = await input.cli.run(['status', '--json']);
    const { failures } = JSON.parse(stdout) as { failures: { errorType: string; reason: string }[] };
    expect(failures[0]).toMatchObject({
      errorType: 'ManifestInvalid',
      reason: expect.stringMatching(reason) as string,
    });
  });
});

test('directories with unsafe names, and zeros below the bounds, are passed over', async () => {
  const archive = gzipSync(
    await tarOf([
      { name: '/absolute/', type: 'directory' },
      { name: '../../', type: 'directory' },
      { name: 'zeros.csv', content: Buffer.alloc(20_000_000) },
      ...members,
    ]),
  );
  const { handle } = await input.start(archive);
  expect(await handle.result()).toMatchObject({ outcome: 'completed', fileCount: 1, rowCount: 1 });
});
