import { expect, test } from 'vitest';
import { dailyCsvKey, payloadKey, rejectsKey } from '../../../platform/object-store/object-keys.ts';
import { usageDay } from '../../../domain/time/usage-day.ts';

const place = { schema: 'org1234567', sourceUuid: 'b1f3', manifestId: 42, fileIndex: 3 };

test('a daily CSV lies where Koku looks for it', () => {
  expect(dailyCsvKey(place, 'pod_usage', usageDay('2026-03-09'))).toBe(
    'data/csv/org1234567/OCP/source=b1f3/year=2026/month=03/pod_usage.2026-03-09.42.3.csv',
  );
});

test('the account of an old tenant has no prefix', () => {
  const old = { ...place, schema: 'acct10001' };
  expect(dailyCsvKey(old, 'vm_usage', usageDay('2026-12-31'))).toContain('data/csv/10001/OCP/');
});

test('the list of rejected rows lies beside them', () => {
  expect(rejectsKey(place, '2026-03')).toBe(
    'data/csv/org1234567/OCP/source=b1f3/year=2026/month=03/rejects.42.3.csv',
  );
});

test.for([
  ['3f2a-01', 'payloads/7/3f2a-01.tar.gz'],
  ['a/../b c', 'payloads/7/a_.._b_c-9f3fd56c2280fd70.tar.gz'],
  ['..', 'payloads/7/...tar.gz'],
] as const)('the archive of request %s has the key %s', ([requestId, key]) => {
  expect(payloadKey('7', requestId)).toBe(key);
});
