import { expect, test } from 'vitest';
import { isRunning, identifyProcess } from '../../dev-stack/process-identity.ts';
import { startProgramProcess } from './program-process.ts';

/** Says `begun`, and `ready` when it gets SIGUSR2: as late as the test wants. */
const lateProgram = `process.on('SIGUSR2', () => console.log('ready')); console.log('begun'); setInterval(() => {}, 1000)`;

test('a program that is slow to become ready is waited for, and is one process all the time', async () => {
  const program = startProgramProcess(['-e', lateProgram], {});
  await program.hasSaid('begun');
  let isReady = false;
  const ready = program.hasSaid('ready').then(() => (isReady = true));
  expect(isReady).toBe(false);
  program.signal('SIGUSR2');
  await ready;
  const identity = await identifyProcess(program.pid);
  expect(identity && (await isRunning(identity))).toBe(true);
  await program.kill();
  expect(identity && (await isRunning(identity))).toBe(false);
  expect(program.hasEnded()).toBe(true);
  expect(await program.ended).toBeNull();
});

test('one that ends before it is ready is told with what it said', async () => {
  const program = startProgramProcess(['-e', `console.error('no database'); process.exit(3)`], {});
  await expect(program.hasSaid('ready')).rejects.toThrow(/ended with 3:\nno database/);
});

test('nothing of our settings is inherited', async () => {
  process.env['OCP_LEAKED'] = 'leaked';
  const program = startProgramProcess(
    ['-e', 'console.log(process.env.OCP_LEAKED, process.env.OCP_GIVEN, "end")'],
    {
      OCP_GIVEN: 'given',
    },
  );
  await program.hasSaid('end');
  delete process.env['OCP_LEAKED'];
  expect(program.output()).toBe('undefined given end\n');
});
