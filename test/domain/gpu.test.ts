import { describe, expect, test } from 'vitest';
import { cleanGpuModel, cleanGpuVendor, maxSlicesOfModel, migFields } from '../../domain/gpu.ts';

describe('GPU vendor and model', () => {
  test('the resource name of NVIDIA becomes the vendor name and others stay', () => {
    expect(cleanGpuVendor('nvidia_com_gpu')).toBe('nvidia');
    expect(cleanGpuVendor('amd_com_gpu')).toBe('amd_com_gpu');
    expect(cleanGpuVendor('')).toBe('');
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
