import { randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { createGzip, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { PipelineError } from '../../domain/failures/failures.ts';
import { readPayloadMembers, scanPayloadArchive } from '../../payload/archive.ts';
import type { ArchiveLimits } from '../../payload/archive.ts';
import { archiveOf, editHeader, streamOf, tarOf, textOf } from './archives.ts';
import type { TestMember } from './archives.ts';

const manifest = { name: 'manifest.json', content: '{"uuid": "x"}' };
const report = { name: 'a.0.csv', content: 'a,b\n1,2\n'.repeat(20_000) };

async function refusal(archive: Buffer | Readable, limits: Partial<ArchiveLimits> = {}): Promise<string> {
  const source = archive instanceof Readable ? archive : streamOf(archive);
  const error: unknown = await scanPayloadArchive(source, { limits }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PipelineError);
  expect(error).toMatchObject({ type: 'ManifestInvalid', retryable: false });
  expect(source.destroyed).toBe(true);
  return (error as PipelineError).message;
}

/** Names and contents of the members that were handed out. */
async function membersOf(
  archive: Buffer,
  wanted: (name: string) => boolean = () => true,
): Promise<[string, string][]> {
  const read: [string, string][] = [];
  await readPayloadMembers(streamOf(archive), {
    wanted,
    onFile: async (name, content) => {
      read.push([name, await textOf(content)]);
    },
  });
  return read;
}

describe('scanning an archive', () => {
  test.for([
    ['last', [report, manifest], ['a.0.csv', 'manifest.json']],
    ['first', [manifest, report], ['manifest.json', 'a.0.csv']],
    ['the only one', [manifest], ['manifest.json']],
  ] as const)('the manifest is found when it is %s', async ([, members, names]) => {
    const scan = await scanPayloadArchive(streamOf(await archiveOf(members)));
    expect(Buffer.from(scan.manifest).toString()).toBe(manifest.content);
    expect(scan.memberNames).toEqual(names);
  });

  test('directories and PAX entries are passed over, and long names come from PAX', async () => {
    const longName = `${'n'.repeat(200)}.csv`;
    const global = (await tarOf([{ name: 'pax_global_header', content: '13 comment=x\n' }])).subarray(
      0,
      1024,
    );
    editHeader(global, (bytes) => bytes.write('g', 156));
    const rest = await tarOf([
      { name: '/', type: 'directory' },
      { name: 'reports/', type: 'directory' },
      { ...manifest, pax: { comment: 'who packed it' } },
      { name: longName, content: 'x' },
    ]);
    const archive = gzipSync(Buffer.concat([global, rest]));
    expect((await scanPayloadArchive(streamOf(archive))).memberNames).toEqual(['manifest.json', longName]);
  });

  test('gzip members one after the other are one archive', async () => {
    const tar = await tarOf([report, manifest]);
    const cut = Math.floor(tar.length / 2);
    const archive = Buffer.concat([gzipSync(tar.subarray(0, cut)), gzipSync(tar.subarray(cut))]);
    expect((await scanPayloadArchive(streamOf(archive))).memberNames).toEqual(['a.0.csv', 'manifest.json']);
  });

  test('chunks of a single byte make no difference', async () => {
    const archive = await archiveOf([{ name: 'b.csv', content: 'b' }, manifest]);
    expect((await scanPayloadArchive(streamOf(archive, 1))).memberNames).toEqual(['b.csv', 'manifest.json']);
  });
});

describe('a leading ./ of a member', () => {
  test.for(['./a.0.csv', '././a.0.csv'])('is no part of its name: %s', async (name) => {
    const archive = await archiveOf([{ ...report, name }, manifest]);
    expect((await scanPayloadArchive(streamOf(archive))).memberNames).toEqual(['a.0.csv', 'manifest.json']);
    expect(await membersOf(archive, (wanted) => wanted === 'a.0.csv')).toEqual([['a.0.csv', report.content]]);
  });

  test.for([
    ['a.0.csv', './a.0.csv'],
    ['./a.0.csv', 'a.0.csv'],
    ['./a.0.csv', '././a.0.csv'],
  ] as const)('does not let %s and %s be two files', async ([first, second]) => {
    const archive = await archiveOf([{ ...report, name: first }, { ...report, name: second }, manifest]);
    expect(await refusal(archive)).toContain('contains two members named "a.0.csv"');
  });

  test('does not make another manifest of ./manifest.json', async () => {
    const other = { name: './manifest.json', content: '{"uuid": "other"}' };
    for (const members of [
      [other, manifest],
      [manifest, other],
    ]) {
      const scan = await scanPayloadArchive(streamOf(await archiveOf(members)));
      expect(Buffer.from(scan.manifest).toString()).toBe(manifest.content);
    }
  });

  test('hides no way out of the directory', async () => {
    expect(await refusal(await archiveOf([{ ...report, name: './../a.csv' }, manifest]))).toContain(
      'contains a member with the unsafe name "./../a.csv"',
    );
  });
});

describe('an archive is refused', () => {
  test('without a manifest', async () => {
    expect(await refusal(await archiveOf([report]))).toContain('contains no member named manifest.json');
  });

  test.for(['./manifest.json', 'sub/manifest.json', 'Manifest.json', 'manifest.json '])(
    'when the manifest is called %j',
    async (name) => {
      expect(await refusal(await archiveOf([report, { ...manifest, name }]))).toContain(
        'no member named manifest.json',
      );
    },
  );

  test('when it holds nothing at all', async () => {
    expect(await refusal(await archiveOf([]))).toContain('is empty');
    expect(await refusal(Buffer.alloc(0))).toContain('ends in the middle of the gzip stream');
    expect(await refusal(gzipSync(Buffer.alloc(0)))).toContain('is empty');
  });

  test('when the manifest is too large', async () => {
    const archive = await archiveOf([{ ...manifest, content: ' '.repeat(10 * 1024 * 1024 + 1) }]);
    expect(await refusal(archive)).toContain('manifest.json of 10485761 bytes, more than 10485760');
    const exact = await archiveOf([{ ...manifest, content: ' '.repeat(1_000) }]);
    expect(
      (await scanPayloadArchive(streamOf(exact), { limits: { maxManifestBytes: 1_000 } })).manifest,
    ).toHaveLength(1_000);
  });

  test.for([
    { name: 'manifest.json', type: 'symlink', linkname: 'secret' },
    { name: 'a.csv', type: 'symlink', linkname: '/etc/passwd' },
    { name: 'a.csv', type: 'link', linkname: '../outside' },
    { name: 'a.csv', type: 'link', linkname: 'manifest.json' },
    { name: 'null', type: 'character-device' },
    { name: 'sda', type: 'block-device' },
    { name: 'pipe', type: 'fifo' },
  ] as TestMember[])('when a member is a $type', async (member) => {
    expect(await refusal(await archiveOf([manifest, member]))).toContain(
      `"${member.name}" of type ${member.type ?? ''}`,
    );
  });

  test.for(['/etc/passwd', '../a.csv', 'a/../../b.csv', '..', 'a\\b.csv'])(
    'when a member is called %j',
    async (name) => {
      expect(await refusal(await archiveOf([manifest, { name, content: 'x' }]))).toContain('unsafe name');
    },
  );

  test('when it is not gzip', async () => {
    expect(await refusal(Buffer.from('PK\u0003\u0004 a zip'))).toContain('is not gzip or is damaged');
    expect(await refusal(await tarOf([manifest]))).toContain('is not gzip or is damaged');
    expect(await refusal(Buffer.from('<html>Service Unavailable</html>'))).toContain('is not gzip');
  });

  test('when it is gzip but not tar', async () => {
    expect(await refusal(gzipSync(randomBytes(4_096)))).toContain('is not a tar file or is damaged');
    expect(await refusal(gzipSync('hello'))).toMatch(/not a tar|ends in the middle/);
  });

  test('when the gzip data ends too early, wherever that is', async () => {
    const archive = await archiveOf([{ name: 'a.csv', content: randomBytes(50_000) }, manifest]);
    for (const share of [0.1, 0.5, 0.9, 0.999])
      expect(await refusal(archive.subarray(0, Math.floor(archive.length * share)))).toContain(
        'middle of the gzip stream',
      );
  });

  test('when the tar ends within a member', async () => {
    const tar = await tarOf([manifest, report]);
    expect(await refusal(gzipSync(tar.subarray(0, 4_000)))).toContain('ends in the middle of a tar member');
  });

  test('when bits of it were changed', async () => {
    const archive = await archiveOf([{ name: 'a.csv', content: randomBytes(50_000) }, manifest]);
    const changed = Buffer.from(archive);
    changed.fill(0xff, 20_000, 20_100);
    expect(await refusal(changed)).toContain('damaged');
  });

  test('when it has too many members', async () => {
    const members = Array.from({ length: 20 }, (_, i) => ({ name: `${i}.csv`, content: 'x' }));
    expect(await refusal(await archiveOf([...members, manifest]), { maxMembers: 20 })).toContain(
      'more than 20 members',
    );
    const scan = await scanPayloadArchive(streamOf(await archiveOf([...members, manifest])), {
      limits: { maxMembers: 21 },
    });
    expect(scan.memberNames).toHaveLength(21);
  });

  test('when it expands to more than is allowed', async () => {
    const archive = await archiveOf([{ name: 'a.csv', content: randomBytes(200_000) }, manifest]);
    expect(await refusal(archive, { maxExpandedBytes: 100_000 })).toContain(
      'expands to more than 100000 bytes',
    );
  });

  test('when it is a gzip bomb, after reading little of it', async () => {
    // A thousand times smaller than what it expands to, and endless.
    let sentBytes = 0;
    function* zeros(): Generator<Buffer> {
      const block = Buffer.alloc(64 * 1024);
      for (;;) yield block;
    }
    const header = (await tarOf([{ name: 'a.csv', content: Buffer.alloc(1) }])).subarray(0, 512);
    editHeader(header, (bytes) => bytes.write('77777777777\0', 124)); // size: 8 GiB
    const gzip = createGzip();
    gzip.write(header);
    const bomb = Readable.from(zeros()).pipe(gzip);
    bomb.on('data', (chunk: Buffer) => {
      sentBytes += chunk.length;
    });
    bomb.pause();
    const limits = { ratioAppliesAboveBytes: 10_000_000, maxExpansionRatio: 100 };
    expect(await refusal(bomb, limits)).toContain('expands more than 100 times');
    expect(sentBytes).toBeLessThan(1_000_000);
  });
});

describe('reading members', () => {
  test('only wanted regular members are handed out, in order and whole', async () => {
    const archive = await archiveOf([
      report,
      { name: 'dir/', type: 'directory' },
      { name: 'ros.csv', content: 'r' },
      { name: 'a.1.csv', content: '' },
      manifest,
    ]);
    expect(await membersOf(archive, (name) => name.startsWith('a.'))).toEqual([
      ['a.0.csv', report.content],
      ['a.1.csv', ''],
    ]);
    expect(await membersOf(archive, () => false)).toEqual([]);
  });

  // A report of no known kind is left after its header, whatever its size.
  test.for([
    ['is not touched', async () => Promise.resolve()],
    [
      'is destroyed',
      async (content: Readable) => {
        content.destroy();
        return Promise.resolve();
      },
    ],
    [
      'is left after its first bytes',
      async (content: Readable) => {
        for await (const chunk of content) {
          expect(chunk).toBeInstanceOf(Uint8Array);
          break;
        }
      },
    ],
    [
      'is left half read and open',
      async (content: Readable) => {
        await content.iterator({ destroyOnReturn: false }).next();
      },
    ],
  ] as const)('the next members come although a member %s', async ([, leave]) => {
    const big = { name: 'big.csv', content: randomBytes(2_000_000) };
    const archive = await archiveOf([
      big,
      { name: 'big2.csv', content: randomBytes(300_000) },
      report,
      manifest,
    ]);
    const seen: string[] = [];
    await readPayloadMembers(streamOf(archive), {
      wanted: () => true,
      onFile: async (name, content) => {
        seen.push(name);
        if (name.startsWith('big')) await leave(content);
        else expect(await textOf(content)).toBe(name === 'a.0.csv' ? report.content : manifest.content);
      },
    });
    expect(seen).toEqual(['big.csv', 'big2.csv', 'a.0.csv', 'manifest.json']);
  });

  test('what the reader throws comes out unchanged and ends the reading', async () => {
    const source = streamOf(await archiveOf([report, manifest]));
    const failure = new Error('disk full');
    const seen: string[] = [];
    const reading = readPayloadMembers(source, {
      wanted: () => true,
      onFile: (name) => {
        seen.push(name);
        return Promise.reject(failure);
      },
    });
    await expect(reading).rejects.toBe(failure);
    expect(seen).toEqual(['a.0.csv']);
    expect(source.destroyed).toBe(true);
  });

  test('an archive that breaks inside a member fails as damaged, not as the reader saw it', async () => {
    const archive = await archiveOf([{ name: 'a.csv', content: randomBytes(100_000) }, manifest]);
    const reading = readPayloadMembers(streamOf(archive.subarray(0, 50_000)), {
      wanted: () => true,
      onFile: async (_name, content) => {
        await textOf(content);
      },
    });
    await expect(reading).rejects.toMatchObject({
      type: 'ManifestInvalid',
      message: expect.stringContaining('gzip') as string,
    });
  });

  test('an archive that breaks inside a member that nobody reads fails too', async () => {
    const archive = await archiveOf([{ name: 'a.csv', content: randomBytes(100_000) }, manifest]);
    const reading = readPayloadMembers(streamOf(archive.subarray(0, 50_000)), {
      wanted: () => true,
      onFile: () => Promise.resolve(),
    });
    await expect(reading).rejects.toMatchObject({ type: 'ManifestInvalid' });
  });
});

describe('the source of an archive', () => {
  test('fails the reading with its own error', async () => {
    const archive = await archiveOf([{ name: 'a.csv', content: randomBytes(100_000) }, manifest]);
    const failure = new Error('connection reset');
    function* broken(): Generator<Buffer> {
      yield archive.subarray(0, 40_000);
      throw failure;
    }
    await expect(scanPayloadArchive(Readable.from(broken()))).rejects.toBe(failure);
  });

  test('is destroyed, and the reason comes out, when the signal is aborted half way', async () => {
    const archive = await archiveOf([{ name: 'a.csv', content: randomBytes(500_000) }, manifest]);
    const stop = new AbortController();
    const reason = new Error('cancelled');
    const source = streamOf(archive);
    const reading = readPayloadMembers(source, {
      signal: stop.signal,
      wanted: () => true,
      onFile: async (_name, content) => {
        for await (const chunk of content) if ((chunk as Buffer).length > 0) stop.abort(reason);
      },
    });
    await expect(reading).rejects.toBe(reason);
    expect(source.destroyed).toBe(true);
  });

  test('is not read when the signal was aborted before', async () => {
    const source = streamOf(await archiveOf([manifest]));
    await expect(
      scanPayloadArchive(source, { signal: AbortSignal.abort(new Error('too late')) }),
    ).rejects.toThrow('too late');
    expect(source.destroyed).toBe(true);
  });

  test('that never ends is left when the signal is aborted', async () => {
    const source = new PassThrough();
    source.write(gzipSync('x').subarray(0, 5));
    const stop = new AbortController();
    const reading = scanPayloadArchive(source, { signal: stop.signal });
    stop.abort(new Error('cancelled'));
    await expect(reading).rejects.toThrow('cancelled');
    expect(source.destroyed).toBe(true);
  });
});
