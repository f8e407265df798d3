import { expect, test } from 'vitest';
import { Disposal } from '../../../platform/runtime/disposal.ts';

test('closes in the reverse order, each after the one before', async () => {
  const disposal = new Disposal();
  const events: string[] = [];
  for (const what of ['database', 'store', 'client'])
    disposal.add(what, async () => {
      events.push(`${what} closing`);
      await Promise.resolve();
      events.push(`${what} closed`);
    });
  await disposal.close();
  expect(events).toEqual([
    'client closing',
    'client closed',
    'store closing',
    'store closed',
    'database closing',
    'database closed',
  ]);
});

test('one that fails to close keeps no other open, and its error is told', async () => {
  const disposal = new Disposal();
  const closed: string[] = [];
  disposal.add('database', () => closed.push('database'));
  disposal.add('client', () => {
    throw new Error('still in use');
  });
  disposal.add('sampling', () => closed.push('sampling'));
  await expect(disposal.close()).rejects.toThrow(/^still in use$/);
  expect(closed).toEqual(['sampling', 'database']);
});

test('several that fail are told together, each by name', async () => {
  const disposal = new Disposal();
  disposal.add('database', () => Promise.reject(new Error('broken pipe')));
  disposal.add('client', () => Promise.reject(new Error('still in use')));
  const error: unknown = await disposal.close().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(AggregateError);
  expect((error as AggregateError).message).toBe(
    'client could not be closed: still in use; database could not be closed: broken pipe',
  );
});

test('closes once, however often it is called', async () => {
  const disposal = new Disposal();
  let count = 0;
  disposal.add('database', () => (count += 1));
  await Promise.all([disposal.close(), disposal.close()]);
  await disposal.close();
  expect(count).toBe(1);
  expect(disposal.closing).toBe(true);
});

test('when opening fails half-way, what was opened is closed and the reason is told', async () => {
  const disposal = new Disposal();
  const closed: string[] = [];
  const opening = disposal.closingOnFailure(async () => {
    await disposal.open(
      'database',
      () => Promise.resolve('opened'),
      (opened) => closed.push(`database ${opened}`),
    );
    disposal.add('store', () => {
      closed.push('store');
      throw new Error('cannot be closed either');
    });
    await disposal.open(
      'client',
      () => Promise.reject(new Error('nobody answers')),
      () => closed.push('client'),
    );
  });
  await expect(opening).rejects.toThrow('nobody answers');
  expect(closed).toEqual(['store', 'database opened']);
});

test('what is opened too late is closed at once', async () => {
  const disposal = new Disposal();
  let answer: (connection: string) => void = () => undefined;
  const closed: string[] = [];
  const opening = disposal.open(
    'client',
    () =>
      new Promise<string>((resolve) => {
        answer = resolve;
      }),
    (opened) => closed.push(opened),
  );
  await disposal.close();
  answer('connection');
  await expect(opening).rejects.toThrow('client was opened during shutdown');
  expect(closed).toEqual(['connection']);
  await expect(
    disposal.open(
      'another client',
      () => Promise.resolve('connection'),
      () => undefined,
    ),
  ).rejects.toThrow('another client is not opened');
  expect(() => {
    disposal.add('pool', () => undefined);
  }).toThrow('pool was opened during shutdown');
});
