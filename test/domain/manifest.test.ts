import { describe, expect, test } from 'vitest';
import { PipelineError } from '../../domain/failures/failures.ts';
import { parseManifest } from '../../domain/payload/manifest.ts';

const uuid = '8f6b2c1e-3d57-4b1f-9a44-0f2f9c1d7e20';
const smallest = { uuid, cluster_id: 'cluster-1', date: '2026-10-02T00:10:00Z' };

function parsed(changes: Record<string, unknown> = {}) {
  return parseManifest(JSON.stringify({ ...smallest, ...changes }));
}

function problemOf(text: string | Uint8Array): PipelineError {
  try {
    parseManifest(text);
  } catch (error) {
    if (error instanceof PipelineError) return error;
    throw error;
  }
  throw new Error(`expected a refusal of ${String(text)}`);
}

function refusal(changes: Record<string, unknown>): string {
  const { type, retryable, message } = problemOf(JSON.stringify({ ...smallest, ...changes }));
  expect({ type, retryable }).toEqual({ type: 'ManifestInvalid', retryable: false });
  return message;
}

describe('a manifest that is good', () => {
  test('needs no more than uuid, cluster and date', () => {
    expect(parsed()).toEqual({
      uuid,
      clusterId: 'cluster-1',
      date: '2026-10-02T00:10:00.000000Z',
      version: '',
      operatorVersion: '',
      certified: false,
      dailyReports: false,
      files: [],
      resourceOptimizationFiles: [],
      hoursPerDay: {},
      collectedNothing: false,
      clusterChannel: null,
      operatorAirgapped: null,
      operatorErrors: null,
    });
  });

  test('is read with everything that an operator sends', () => {
    const manifest = parsed({
      version: '7a0f',
      certified: true,
      daily_reports: true,
      files: ['a.0.csv', 'a.1.csv'],
      resource_optimization_files: ['ros.csv'],
      start: '2026-10-01T00:00:00Z',
      end: '2026-10-01T17:59:59Z',
      cr_status: { clusterVersion: 'stable-4.19', upload: { upload: true } },
    });
    expect(manifest).toMatchObject({
      version: '7a0f',
      operatorVersion: '7a0f',
      certified: true,
      dailyReports: true,
      files: ['a.0.csv', 'a.1.csv'],
      resourceOptimizationFiles: ['ros.csv'],
      start: '2026-10-01T00:00:00.000000Z',
      end: '2026-10-01T17:59:59.000000Z',
      hoursPerDay: { '2026-10-01': 18 },
      clusterChannel: 'stable-4.19',
      operatorAirgapped: false,
      operatorErrors: null,
    });
  });

  test('survives a trip through JSON, as jsonb and history take it', () => {
    const manifest = parsed({
      start: '2026-10-01T00:00:00Z',
      end: '2026-10-02T00:00:00Z',
      cr_status: { a: 1 },
    });
    expect(JSON.parse(JSON.stringify(manifest))).toEqual(manifest);
  });

  test('may come as bytes, with a byte order mark, and with members that nobody knows', () => {
    const bytes = Buffer.from(`\uFEFF${JSON.stringify({ ...smallest, chart_version: 3 })}`);
    expect(parseManifest(bytes).clusterId).toBe('cluster-1');
  });

  test('lists of files may be null', () => {
    expect(parsed({ files: null, resource_optimization_files: null })).toMatchObject({
      files: [],
      resourceOptimizationFiles: [],
    });
  });

  test('a start or end that is null counts as absent', () => {
    const manifest = parsed({ start: null, end: null });
    expect(manifest).not.toHaveProperty('start');
    expect(manifest).not.toHaveProperty('end');
    expect(manifest.hoursPerDay).toEqual({});
  });

  test('the uuid is put into lower case', () => {
    expect(parsed({ uuid: uuid.toUpperCase() }).uuid).toBe(uuid);
  });

  test('an operator version in the payload is not believed', () => {
    expect(parsed({ operator_version: 'koku-metrics-operator:v9', version: 'abc' }).operatorVersion).toBe(
      'abc',
    );
    expect(parsed({ operator_version: 'koku-metrics-operator:v9' }).operatorVersion).toBe('');
  });

  test.for([
    ['2026-10-02 00:10:00.123456', '2026-10-02T00:10:00.123456Z'],
    ['2026-10-02T00:10:00.123456789Z', '2026-10-02T00:10:00.123456Z'],
    ['2026-10-02T00:10:00+02:00', '2026-10-01T22:10:00.000000Z'],
    ['2026-10-02T00:10:00', '2026-10-02T00:10:00.000000Z'],
    [' 2026-10-02 ', '2026-10-02T00:00:00.000000Z'],
  ] as const)('date %j is %s', ([date, expected]) => {
    expect(parsed({ date }).date).toBe(expected);
  });
});

describe('a manifest that is refused', () => {
  test.for([
    ['uuid', undefined],
    ['uuid', null],
    ['uuid', ''],
    ['uuid', '8f6b2c1e-3d57-1b1f-9a44-0f2f9c1d7e20'], // version 1
    ['uuid', '8f6b2c1e-3d57-4b1f-1a44-0f2f9c1d7e20'], // not the RFC's variant
    ['uuid', '8f6b2c1e3d574b1f9a440f2f9c1d7e20'],
    ['uuid', `${uuid}\n`],
    ['uuid', `{${uuid}}`],
    ['uuid', 7],
    ['cluster_id', undefined],
    ['cluster_id', null],
    ['cluster_id', ''],
    ['cluster_id', '.'],
    ['cluster_id', '..'],
    ['cluster_id', 'a/b'],
    ['cluster_id', 'a\\b'],
    ['cluster_id', 'a..b'],
    ['cluster_id', 'a\u0000b'],
    ['cluster_id', 'a\nb'],
    ['cluster_id', 'a\ud800b'],
    ['cluster_id', 42],
    ['date', undefined],
    ['date', null],
    ['date', ''],
    ['date', 'yesterday'],
    ['date', '2026-02-30T00:00:00Z'],
    ['date', 1_790_812_800],
    ['start', 'soon'],
    ['end', '2026-10-01T25:00:00Z'],
    ['version', null],
    ['version', 4],
    ['certified', 'yes'],
    ['certified', null],
    ['daily_reports', 1],
    ['daily_reports', 'true'],
    ['cr_status', null],
    ['cr_status', 'fine'],
    ['cr_status', []],
    ['files', 'a.csv'],
    ['files', { 0: 'a.csv' }],
    ['resource_optimization_files', 'a.csv'],
  ] as const)('names the member %s when it is %j', ([member, value]) => {
    expect(refusal({ [member]: value })).toMatch(new RegExp(`^manifest\\.json: ${member}: expected `));
  });

  test.for([
    '',
    '.',
    '..',
    'a/b.csv',
    '/etc/passwd',
    '../a.csv',
    'a\\b.csv',
    'a..csv',
    './a.csv',
    'a\u0000.csv',
    7,
    null,
    ['a'],
  ])('names the file list and the position when a file is called %j', (name) => {
    expect(refusal({ files: ['good.csv', name] })).toContain('files.1: expected ');
    expect(refusal({ resource_optimization_files: [name] })).toContain(
      'resource_optimization_files.0: expected ',
    );
  });

  test('file names have at most 128 characters', () => {
    expect(parsed({ files: ['x'.repeat(128)] }).files).toHaveLength(1);
    expect(refusal({ files: ['x'.repeat(129)] })).toContain('expected at most 128 characters, found 129');
  });

  test('a file must not be listed twice', () => {
    expect(refusal({ files: ['a.csv', 'b.csv', 'a.csv'] })).toContain('files: "a.csv" is listed twice');
  });

  test('all problems are told at once, the first ten by name', () => {
    expect(refusal({ uuid: 'x', date: 'y', version: null })).toMatch(/uuid: .*; date: .*; version: /);
    const { message, details } = problemOf(
      JSON.stringify({ ...smallest, files: Array.from({ length: 500 }, () => '') }),
    );
    expect(details).toEqual({ problemCount: 500 });
    expect(message).toContain('and 490 more problems');
    expect(message.length).toBeLessThan(2_000);
  });

  test('a long value is shortened in the message', () => {
    const message = refusal({ uuid: 'z'.repeat(100_000) });
    expect(message.length).toBeLessThan(200);
  });

  test.for([
    ['', 'expected JSON'],
    ['{', 'expected JSON'],
    ['null', 'expected an object, found null'],
    ['[]', 'expected an object, found []'],
    ['"text"', 'expected an object, found "text"'],
    ['{"uuid": 1e999}', 'uuid: expected a version 4 UUID'],
  ] as const)('contents %j are refused', ([text, reason]) => {
    const { type, message } = problemOf(text);
    expect(type).toBe('ManifestInvalid');
    expect(message).toContain(reason);
  });

  test('bytes that are not UTF-8 are refused', () => {
    const bytes = Buffer.concat([Buffer.from('{"uuid": "'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    expect(problemOf(bytes).message).toContain('expected JSON in UTF-8');
  });
});

describe('the covered time', () => {
  test.for([
    ['2026-10-01T00:00:00Z', '2026-10-01T17:59:59Z', { '2026-10-01': 18 }],
    ['2026-10-01T00:00:00Z', '2026-10-01T18:00:00Z', { '2026-10-01': 18 }],
    ['2026-10-01T00:00:00Z', '2026-10-02T00:00:00Z', { '2026-10-01': 24, '2026-10-02': 0 }],
    ['2026-10-01T00:00:00Z', '2026-10-01T23:59:59Z', { '2026-10-01': 24 }],
    ['2026-10-01T12:00:00Z', '2026-10-03T00:59:59Z', { '2026-10-01': 12, '2026-10-02': 24, '2026-10-03': 1 }],
    ['2026-10-01T12:30:00Z', '2026-10-01T12:30:00Z', { '2026-10-01': 0 }],
    ['2026-10-01T12:30:00Z', '2026-10-01T12:30:01Z', { '2026-10-01': 1 }],
    ['2026-10-30T00:00:00Z', '2026-11-01T05:59:59Z', { '2026-10-30': 24, '2026-10-31': 24, '2026-11-01': 6 }],
    ['2026-10-02T00:00:00Z', '2026-10-01T00:00:00Z', {}],
    ['2026-10-01T02:00:00Z', '2026-10-01T01:00:00Z', {}],
    ['2000-01-01T00:00:00Z', '2026-10-01T00:00:00Z', {}], // a wrong clock
  ] as const)('from %s to %s has the hours %j', ([start, end, hours]) => {
    expect(parsed({ start, end }).hoursPerDay).toEqual(hours);
  });

  test.for([
    ['2026-10-30T00:00:00Z', '2026-11-01T05:59:59Z', '2026-10-31T00:00:00.000000Z'],
    ['2026-10-30T00:00:00Z', '2026-11-01T00:00:00Z', '2026-10-31T00:00:00.000000Z'],
    ['2026-12-31T00:00:00Z', '2027-01-01T00:00:00Z', '2026-12-31T00:00:00.000000Z'],
    ['2024-02-29T00:00:00Z', '2024-03-01T00:59:59.5Z', '2024-02-29T00:00:00.000000Z'],
    ['2026-10-30T00:00:00Z', '2026-11-02T05:59:59Z', '2026-11-02T05:59:59.000000Z'],
    ['2026-11-01T00:00:00Z', '2026-11-01T05:59:59Z', '2026-11-01T05:59:59.000000Z'],
  ] as const)('from %s to %s ends at %s', ([start, end, expected]) => {
    expect(parsed({ start, end }).end).toBe(expected);
  });

  test('has no hours when one of its ends is absent', () => {
    expect(parsed({ start: '2026-10-01T00:00:00Z' })).toMatchObject({
      start: '2026-10-01T00:00:00.000000Z',
      hoursPerDay: {},
    });
    expect(parsed({ end: '2026-11-01T00:00:00Z' })).toMatchObject({
      end: '2026-11-01T00:00:00.000000Z',
      hoursPerDay: {},
    });
  });
});

describe('an operator that collected nothing', () => {
  const never = '0001-01-01T00:00:00Z';
  const message = 'query {namespace="secret", x={y}} failed: {open';

  test.for([
    [never, never],
    [never, '2026-10-01T00:00:00Z'],
    ['2026-10-01T00:00:00Z', never],
  ] as const)('is recognised by start %s and end %s', ([start, end]) => {
    const manifest = parsed({ start, end, cr_status: { reports: { data_collection_message: message } } });
    expect(manifest).toMatchObject({
      collectedNothing: true,
      hoursPerDay: {},
      dataCollectionMessage: 'query {***} failed: {***',
    });
  });

  test('need not say why', () => {
    expect(parsed({ start: never, end: never })).not.toHaveProperty('dataCollectionMessage');
    const reports = { data_collection_message: '' };
    expect(parsed({ start: never, end: never, cr_status: { reports } })).not.toHaveProperty(
      'dataCollectionMessage',
    );
  });

  test('is not one whose message is there although it collected something', () => {
    const manifest = parsed({
      start: '2026-10-01T00:00:00Z',
      cr_status: { reports: { data_collection_message: message } },
    });
    expect(manifest.collectedNothing).toBe(false);
    expect(manifest).not.toHaveProperty('dataCollectionMessage');
  });
});

describe('the operator status', () => {
  test.for([
    [{ clusterVersion: '4.19' }, { clusterChannel: '4.19', operatorAirgapped: true, operatorErrors: null }],
    [{ upload: { upload: true } }, { clusterChannel: null, operatorAirgapped: false, operatorErrors: null }],
    [{ upload: { upload: false } }, { clusterChannel: null, operatorAirgapped: true, operatorErrors: null }],
    [
      { upload: { upload: 'false' } },
      { clusterChannel: null, operatorAirgapped: true, operatorErrors: null },
    ],
    [{ upload: 'on' }, { clusterChannel: null, operatorAirgapped: true, operatorErrors: null }],
    [
      { clusterVersion: 'a\u0000b\ud800' },
      { clusterChannel: 'ab', operatorAirgapped: true, operatorErrors: null },
    ],
    [
      {
        authentication: { type: 'basic', error: 'no token' },
        packaging: { error: '' },
        upload: { upload: true, error: 'refused' },
        prometheus: { error: { code: 503 } },
        source: { error: null },
        reports: { error: 'not one of the five' },
      },
      {
        clusterChannel: null,
        operatorAirgapped: false,
        operatorErrors: {
          authentication_error: 'no token',
          upload_error: 'refused',
          prometheus_error: '{"code":503}',
        },
      },
    ],
  ] as const)('%j is kept as %j', ([crStatus, expected]) => {
    expect(parsed({ cr_status: crStatus })).toMatchObject(expected);
  });

  test('is all unknown when it is empty', () => {
    expect(parsed({ cr_status: {} })).toMatchObject({
      clusterChannel: null,
      operatorAirgapped: null,
      operatorErrors: null,
    });
  });
});
