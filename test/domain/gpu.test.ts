import { describe, expect, test } from 'vitest';
import {
  cleanGpuModel,
  cleanGpuVendor,
  maxSlicesOfModel,
  migFields,
  storedGpuColumns,
  storedGpuFields,
} from '../../domain/reports/gpu.ts';

describe('GPU vendor and model', () => {
  test('the resource name of NVIDIA becomes the vendor name and others stay', () => {
    for (const sent of ['nvidia_com_gpu', 'nvidia0', 'nvidia1', 'nvidia15', 'nvidia'])
      expect(cleanGpuVendor(sent)).toBe('nvidia');
    for (const other of [
      'amd_com_gpu',
      'amd0',
      '',
      'nvidia0a',
      'nvidia_com_gpu0',
      'nvidia_com_mig',
      'xnvidia0',
      'Nvidia0',
    ])
      expect(cleanGpuVendor(other)).toBe(other);
  });

  test.for([
    ['NVIDIA-A100-SXM4-80GB', 'NVIDIA A100 SXM4 80GB'],
    ['Tesla T4', 'Tesla T4'],
    ['--NVIDIA__H100//PCIe--', 'NVIDIA H100 PCIe'],
    ['Grafikkarte-ä-1', 'Grafikkarte 1'],
    ['', ''],
    ['///', ''],
  ] as const)('model %j is cleaned to %j', ([sent, cleaned]) => {
    expect(cleanGpuModel(sent)).toBe(cleaned);
  });

  test.for([
    ['NVIDIA A30', 4],
    ['NVIDIA A100 SXM4 80GB', 7],
    ['nvidia h100 pcie', 7],
    ['NVIDIA H200', 7],
    ['NVIDIA B200', 7],
    ['NVIDIA RTX PRO 6000 Blackwell', 4],
    ['NVIDIA RTX PRO 5000 Blackwell', 2],
    ['Tesla T4', null],
    ['', null],
  ] as const)('model %j can be cut into %j slices', ([model, slices]) => {
    expect(maxSlicesOfModel(model)).toBe(slices);
  });
});

describe('MIG columns', () => {
  const sent = { migInstanceId: 'MIG-1', migProfile: '1g.5gb', migStrategy: 'mixed' };

  test('a profile of a known model gives slices and memory in MiB', () => {
    expect(migFields('NVIDIA A100', { ...sent, migProfile: '3g.20gb' })).toEqual({
      migInstanceId: 'MIG-1',
      migProfile: '3g.20gb',
      migStrategy: 'mixed',
      migSliceCount: 3,
      migMemoryCapacityMib: 20 * 1024,
      gpuMaxSlices: 7,
    });
  });

  test.for(['1g.5gb+me', '1c.2g.10gb', 'g.5gb', '1G.5GB', 'all', '99999g.1gb'])(
    'profile %j of a known model leaves the slices unknown, so that the whole GPU is charged',
    (migProfile) => {
      expect(migFields('NVIDIA A100', { ...sent, migProfile })).toEqual({
        migInstanceId: 'MIG-1',
        migProfile,
        migStrategy: 'mixed',
        migSliceCount: null,
        migMemoryCapacityMib: null,
        gpuMaxSlices: 7,
      });
    },
  );

  test('a model that cannot be cut loses its MIG values', () => {
    expect(migFields('Tesla T4', sent)).toEqual({
      migInstanceId: '',
      migProfile: '',
      migStrategy: '',
      migSliceCount: null,
      migMemoryCapacityMib: null,
      gpuMaxSlices: null,
    });
  });

  test.for([
    ['Tesla T4', '7.000000', 7], // a model that the table does not know
    ['Tesla T4', '4', 4],
    ['NVIDIA A100', '8', 8], // sent before known
    ['NVIDIA A100', '', 7],
    ['NVIDIA A100', '0.000000', 7],
    ['NVIDIA A100', '-1', 7],
    ['NVIDIA A100', 'NaN', 7],
    ['NVIDIA A100', '1e18', 7], // more than the summary's column holds
  ] as const)(
    'on a profile of a %s, %j slices of the GPU as sent give %j',
    ([model, gpuMaxSlices, slices]) => {
      expect(migFields(model, { ...sent, gpuMaxSlices })).toEqual({
        ...sent,
        migSliceCount: 1,
        migMemoryCapacityMib: 5 * 1024,
        gpuMaxSlices: slices,
      });
    },
  );

  test('an unreadable profile of an unknown model whose slices are sent is charged as a whole GPU', () => {
    expect(migFields('Tesla T4', { ...sent, migProfile: '1g.5gb+me', gpuMaxSlices: '7' })).toEqual({
      ...sent,
      migProfile: '1g.5gb+me',
      migSliceCount: null,
      migMemoryCapacityMib: null,
      gpuMaxSlices: 7,
    });
  });

  test('slices sent for a GPU without a profile are not believed', () => {
    expect(
      migFields('NVIDIA A100', { migInstanceId: '', migProfile: '', migStrategy: '', gpuMaxSlices: '7' }),
    ).toEqual({
      migInstanceId: '',
      migProfile: '',
      migStrategy: '',
      migSliceCount: null,
      migMemoryCapacityMib: null,
      gpuMaxSlices: null,
    });
  });

  test('a blank profile is a dedicated GPU: what was sent stays and nothing is derived', () => {
    expect(migFields('NVIDIA A100', { migInstanceId: '', migProfile: '', migStrategy: 'single' })).toEqual({
      migInstanceId: '',
      migProfile: '',
      migStrategy: 'single',
      migSliceCount: null,
      migMemoryCapacityMib: null,
      gpuMaxSlices: null,
    });
  });
});

test('a row is stored with clean names and the MIG columns of its clean model, and without numbers that it has not', () => {
  const sent = {
    gpu_model_name: 'NVIDIA-A100-SXM4-80GB',
    gpu_vendor_name: 'nvidia0',
    mig_instance_id: 'MIG-1',
    mig_profile: '2g.10gb',
    mig_strategy: 'mixed',
  };
  const fields = (row: Readonly<Record<string, string>>) => storedGpuFields((column) => row[column] ?? '');
  expect(fields(sent)).toEqual({
    ...sent,
    gpu_model_name: 'NVIDIA A100 SXM4 80GB',
    gpu_vendor_name: 'nvidia',
    mig_slice_count: '2',
    mig_memory_capacity_mib: '10240', // 10 · 1024
    gpu_max_slices: '7',
  });
  expect(fields({ ...sent, gpu_model_name: 'Tesla T4' })).toMatchObject({
    mig_profile: '',
    mig_slice_count: '',
    mig_memory_capacity_mib: '',
    gpu_max_slices: '',
  });
  expect(Object.keys(fields({}))).toEqual(Object.keys(storedGpuColumns));
});
