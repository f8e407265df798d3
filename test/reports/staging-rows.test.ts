import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { reportKindDefinition, reportKinds } from '../../domain/reports/report-kind.ts';
import { stagingRowWriter } from '../../reports/staging-rows.ts';
import { createTestDatabase } from '../support/database.ts';
import { createStagedSource } from '../support/staging-fixture.ts';
import type { StagedSource } from '../support/staging-fixture.ts';
import { headerOf, october, rowOf } from './reports.ts';
import { firstOf, recordsOf, rowCopier } from './staged-rows.ts';
import type { CopyRows } from './staged-rows.ts';

let source: StagedSource;
let copied: CopyRows;

beforeAll(async () => {
  source = await createStagedSource(await createTestDatabase(), '2026-10');
  copied = rowCopier(source);
});

const pods = headerOf('pod_usage');
const pod = (values: Record<string, string>) => rowOf('pod_usage', october(1, 5), values);

describe('columns of a staging row', () => {
  test.for(reportKinds)('%s rows fill every column of their table', async (kind) => {
    const [row] = await copied(kind, headerOf(kind), [
      rowOf(kind, october(1, 5), { gpu_model_name: 'A100', mig_profile: '1g.5gb' }),
    ]);
    expect(row).toMatchObject({
      at_five: true,
      source_uuid: source.sourceUuid,
      report_period_id: source.reportPeriodId,
    });
    expect(Object.entries(row ?? {}).filter(([, value]) => value === null)).toEqual([]);
    for (const { name, type } of reportKindDefinition(kind).columns) {
      // Slices are whole: the 1.5 of the row are 2.
      if (type === 'number') expect(row?.[name]).toBe(name === 'gpu_max_slices' ? 2 : 1.5);
      if (type === 'text' && !/^(gpu_model|mig_profile)/.test(name)) expect(row?.[name]).toBe(`a-${name}`);
    }
  });

  test('derived GPU numbers that a file claims to have are ours all the same, and may be NULL', async () => {
    const header = [...headerOf('gpu_usage'), 'mig_slice_count'];
    const gpu = { gpu_model_name: 'Tesla T4', mig_strategy: '', gpu_max_slices: '' };
    const row = [...rowOf('gpu_usage', october(1, 5), gpu), '3'];
    expect((await copied('gpu_usage', header, [row]))[0]).toMatchObject({
      gpu_max_slices: null,
      mig_slice_count: null,
      mig_strategy: '',
    });
  });

  test('a blank number is NULL and a blank text stays blank', async () => {
    const [row] = await copied('pod_usage', pods, [
      pod({ pod_request_cpu_core_seconds: '', resource_id: '', node_role: '' }),
    ]);
    expect(row).toMatchObject({ pod_request_cpu_core_seconds: null, resource_id: '', node_role: '' });
  });

  test.for([
    ['pod_usage', ['node_role']],
    ['storage_usage', ['node', 'csi_driver', 'csi_volume_handle']],
    ['gpu_usage', ['mig_instance_id', 'mig_profile', 'mig_strategy', 'gpu_max_slices']],
  ] as const)('the newer columns of %s are NULL when the file has none', async ([kind, absent]) => {
    const header = headerOf(kind).filter((name) => !(absent as readonly string[]).includes(name));
    const full = rowOf(kind, october(1, 5));
    const row = headerOf(kind).flatMap((name, index) => (header.includes(name) ? [full[index] ?? ''] : []));
    const [staged] = await copied(kind, header, [row]);
    expect(staged).toMatchObject(Object.fromEntries(absent.map((name) => [name, null])));
  });

  test('columns may come in any order, with others between them', async () => {
    const header = ['mood', ...pods].reverse();
    const [row] = await copied('pod_usage', header, [['sunny', ...pod({ pod: 'p', node: 'n' })].reverse()]);
    expect(row).toMatchObject({ pod: 'p', node: 'n', namespace: 'a-namespace', at_five: true });
  });

  test('both label columns of storage keep their own set', async () => {
    const row = rowOf('storage_usage', october(1), {
      persistentvolume_labels: 'label_a:1',
      persistentvolumeclaim_labels: 'label_b:2',
    });
    const [staged] = await copied('storage_usage', headerOf('storage_usage'), [row], (text) =>
      text === 'label_a:1' ? 11 : 12,
    );
    expect(staged).toMatchObject({
      persistentvolume_label_set_id: 11,
      persistentvolumeclaim_label_set_id: 12,
    });
  });

  test('label texts are told when they are new', async () => {
    const piece = { pieceId: 1, sourceUuid: source.sourceUuid, reportPeriodId: 1 };
    const header = headerOf('storage_usage');
    const labelled = (values: Record<string, string>) => rowOf('storage_usage', october(1), values);
    const records = recordsOf(header, [
      labelled({ persistentvolume_labels: 'label_a:1', persistentvolumeclaim_labels: '' }),
      labelled({ persistentvolume_labels: 'label_a:1', persistentvolumeclaim_labels: 'label_b:"2"' }),
      labelled({ persistentvolume_labels: 'label_c:3', persistentvolumeclaim_labels: 'label_a:1' }),
      labelled({ persistentvolume_labels: 'label_c:3', persistentvolumeclaim_labels: '' }),
    ]);
    const writer = stagingRowWriter('storage_usage', header, piece);
    const told: [string, string[]][] = [];
    for await (const some of records) {
      const prepared = writer.prepare(some);
      prepared.tuples(() => 1);
      told.push([some.form, prepared.newLabelTexts]);
    }
    expect(told).toEqual([
      ['plain', ['label_a:1', '']],
      ['parsed', ['label_a:1', 'label_b:"2"']],
      ['plain', ['label_c:3']],
    ]);
    const gpu = await firstOf(headerOf('gpu_usage'), rowOf('gpu_usage', october(1)));
    const gpuWriter = stagingRowWriter('gpu_usage', headerOf('gpu_usage'), piece);
    expect(gpuWriter.prepare(gpu).newLabelTexts).toEqual([]);
  });

  test.for([
    ['plain', {}],
    ['parsed', { pod: 'a "quoted" pod' }],
  ] as const)(
    'a %s row whose label set was not stored, or whose time is none, is an error',
    async ([form, values]) => {
      const piece = { pieceId: 1, sourceUuid: source.sourceUuid, reportPeriodId: 1 };
      const writer = stagingRowWriter('pod_usage', pods, piece);
      const good = await firstOf(pods, pod(values));
      const bad = await firstOf(pods, pod({ ...values, interval_start: 'noon' }));
      expect([good.form, bad.form]).toEqual([form, form]);
      expect(() => writer.prepare(good).tuples(() => undefined)).toThrow(/a label set has no id/);
      expect(() => writer.prepare(bad).tuples(() => 1)).toThrow(/interval_start "noon"/);
    },
  );

  test('times are instants, with their fraction and their zone', async () => {
    const starts = [
      '2026-10-01 05:00:00 +0000 UTC',
      '2026-10-01T07:00:00+02:00',
      '2026-10-01 05:00:00.123456789',
    ];
    const rows = await copied(
      'pod_usage',
      pods,
      starts.map((interval_start) => pod({ interval_start })),
    );
    expect(rows.map((row) => row['at_five'])).toEqual([true, true, false]);
    expect((rows[2]?.['interval_start'] as Date).toISOString()).toBe('2026-10-01T05:00:00.123Z');
  });
});

describe('texts', () => {
  test('whatever stands in a text column is stored unchanged', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.stringMatching(/^[\\\t\n\rNtnr.bfv0x]{0,12}$/),
      fc.constantFrom(
        '\\N',
        '\\.',
        '\\',
        '\t',
        '\n',
        '\r',
        '\\\n',
        'NULL',
        '\u2028',
        '\u000b\f\b',
        '\ufeff',
        ' ',
      ),
    );
    // NUL never gets this far: it is dropped when the CSV is read.
    const value = text.map((sent) => sent.replaceAll('\u0000', ''));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 40 }), async (pairs) => {
        const rows = await copied(
          'pod_usage',
          pods,
          pairs.map(([name, role]) => pod({ pod: name, node_role: role })),
        );
        expect(rows.map((row) => [row['pod'], row['node_role']])).toEqual(pairs);
      }),
      { numRuns: 60 },
    );
  });
});

describe('numbers', () => {
  const stored = async (numbers: readonly string[]): Promise<unknown[]> => {
    const rows = await copied(
      'pod_usage',
      pods,
      numbers.map((number) => pod({ pod_usage_cpu_core_seconds: number })),
    );
    return rows.map((row) => row['pod_usage_cpu_core_seconds']);
  };

  test.for([
    ['0', 0],
    ['-0', 0],
    ['00012.50', 12.5],
    ['+1', 1],
    ['.5', 0.5],
    ['-.5', -0.5],
    ['5.', 5],
    ['1e3', 1000],
    ['1E+3', 1000],
    ['1e18', 1e18],
    ['-1e18', -1e18],
    ['1e-400', 0],
    ['-1e-400', 0],
    [`0.${'0'.repeat(400)}1`, 0],
    ['5e-324', 5e-324],
    ['2.2250738585072011e-308', 2.225073858507201e-308],
    ['0.1', 0.1],
    ['9007199254740993', 9007199254740992],
    ['999999999999999999', 1e18],
    ['0.123456789012345678901234567890', 0.12345678901234568],
    ['6764573491200.0', 6764573491200],
  ] as const)('%s is stored as %d', async ([text, value]) => {
    const [found] = await stored([text]);
    expect(Number(found) + 0).toBe(value);
  });

  test('doubles come back bit for bit, in every way of writing them', async () => {
    const spelling = fc.constantFrom<(value: number) => string>(
      String,
      (value) => value.toExponential(),
      (value) => value.toPrecision(17),
      (value) => value.toPrecision(40),
      (value) => (Math.abs(value) < 1e15 ? value.toFixed(15) : String(value)),
    );
    const texts = fc
      .tuple(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e18, max: 1e18 }), spelling)
      .map(([value, spell]) => spell(value));
    await fc.assert(
      fc.asyncProperty(fc.array(texts, { minLength: 1, maxLength: 60 }), async (numbers) => {
        // Zero has one sign here: adding 0 takes the other away.
        expect((await stored(numbers)).map((value) => Number(value) + 0)).toEqual(
          numbers.map((text) => Number(text) + 0),
        );
      }),
      { numRuns: 60 },
    );
  });
});

describe('GPU rows', () => {
  const header = headerOf('gpu_usage');
  const gpu = (values: Record<string, string>) => rowOf('gpu_usage', october(1, 5), values);

  test.for([
    [
      'a MIG instance',
      {
        gpu_model_name: 'NVIDIA-A100-SXM4-40GB',
        gpu_vendor_name: 'nvidia_com_gpu',
        mig_profile: '2g.10gb',
        mig_instance_id: 'MIG-1',
        mig_strategy: 'mixed',
      },
      {
        gpu_model_name: 'NVIDIA A100 SXM4 40GB',
        gpu_vendor_name: 'nvidia',
        mig_profile: '2g.10gb',
        mig_instance_id: 'MIG-1',
        mig_strategy: 'mixed',
        mig_slice_count: 2,
        mig_memory_capacity_mib: 10_240,
        gpu_max_slices: 7,
      },
    ],
    [
      'a dedicated GPU',
      {
        gpu_model_name: 'Tesla-T4',
        gpu_vendor_name: 'nvidia',
        mig_profile: '',
        mig_instance_id: '',
        mig_strategy: '',
      },
      {
        gpu_model_name: 'Tesla T4',
        gpu_vendor_name: 'nvidia',
        mig_profile: '',
        mig_instance_id: '',
        mig_strategy: '',
        mig_slice_count: null,
        mig_memory_capacity_mib: null,
        gpu_max_slices: null,
      },
    ],
    [
      'a profile of another form',
      { gpu_model_name: 'H100', mig_profile: '1g.5gb+me', mig_instance_id: 'MIG-2', mig_strategy: 'single' },
      {
        gpu_model_name: 'H100',
        mig_profile: '1g.5gb+me',
        mig_instance_id: 'MIG-2',
        mig_strategy: 'single',
        mig_slice_count: null,
        mig_memory_capacity_mib: null,
        gpu_max_slices: 7,
      },
    ],
    [
      'a profile of a model whose slices are sent',
      {
        gpu_model_name: 'Tesla T4',
        gpu_vendor_name: 'nvidia0',
        mig_profile: '1g.5gb',
        mig_instance_id: 'MIG-4',
        mig_strategy: 'mixed',
        gpu_max_slices: '7.000000',
      },
      {
        gpu_vendor_name: 'nvidia',
        mig_profile: '1g.5gb',
        mig_instance_id: 'MIG-4',
        mig_strategy: 'mixed',
        mig_slice_count: 1,
        mig_memory_capacity_mib: 5120,
        gpu_max_slices: 7,
      },
    ],
    [
      'a dedicated GPU whose slices are sent',
      { gpu_model_name: 'A100', mig_profile: '', mig_instance_id: '', mig_strategy: '', gpu_max_slices: '7' },
      { mig_profile: '', mig_slice_count: null, gpu_max_slices: null },
    ],
    [
      'a profile of a model that cannot be cut',
      { gpu_model_name: 'Tesla T4', mig_profile: '1g.5gb', mig_instance_id: 'MIG-3', mig_strategy: 'single' },
      {
        mig_profile: '',
        mig_instance_id: '',
        mig_strategy: '',
        mig_slice_count: null,
        mig_memory_capacity_mib: null,
        gpu_max_slices: null,
      },
    ],
  ] as const)('%s has its derived columns', async ([, sent, expected]) => {
    const [row] = await copied('gpu_usage', header, [gpu({ gpu_max_slices: '', ...sent })]);
    expect(row).toMatchObject(expected);
  });
});
