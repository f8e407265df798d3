import { expect, test } from 'vitest';
import { loadConfig } from '../../../platform/config/config.ts';

const lake = { OBJECT_STORE: 's3://bucket/prefix' };

/** What is wrong with an environment; undefined if nothing is. */
function problem(environment: Record<string, string>): string | undefined {
  try {
    loadConfig(environment);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

test('a user and a password in the address of Trino are refused, and not repeated', () => {
  const said = problem({ ...lake, TRINO_URL: 'https://reader:hunter2@trino.example.com' });
  expect(said).toContain(
    'TRINO_URL: expected no user and no password in it, but in TRINO_USER and TRINO_PASSWORD',
  );
  expect(said).not.toContain('hunter2');
  expect(problem({ ...lake, TRINO_URL: 'https://reader@trino.example.com' })).toBe(said);
});

test.for([
  ['letters beyond Latin-1', 'Юлия', 'found "Юлия"'],
  ['a line break', 'reader\r\nX-Trino-Role: admin', 'found "reader'],
  ['a control character', 'read\u0001er', 'found "read'],
] as const)('%s in a user, whom no header can carry, are refused', ([, user, found]) => {
  const said = problem({ ...lake, TRINO_URL: 'http://trino.example.com', TRINO_USER: user });
  expect(said).toContain('TRINO_USER: expected letters of Latin-1 in one line');
  expect(said).toContain(found);
});

test('a colon in a user would begin the password, if there is one', () => {
  const given = { ...lake, TRINO_URL: 'https://trino.example.com', TRINO_USER: 'team:reader' };
  expect(problem({ ...given, TRINO_PASSWORD: 'hunter2' })).toContain(
    'TRINO_USER: expected no colon, because TRINO_PASSWORD is set',
  );
  expect(problem(given)).toBeUndefined();
  expect(problem({ ...given, TRINO_USER: 'José Núñez' })).toBeUndefined();
});

test('what is behind the address of Trino is refused, and not repeated', () => {
  const said = problem({ ...lake, TRINO_URL: 'https://trino.example.com/?token=hunter2' });
  expect(said).toContain('TRINO_URL: expected http://host:port or https://host; found more behind ? or #');
  expect(said).not.toContain('hunter2');
  expect(problem({ ...lake, TRINO_URL: 'https://trino.example.com/#hunter2' })).toBe(said);
  expect(problem({ ...lake, TRINO_URL: 'https://example.com/trino' })).toBeUndefined();
});

test('a password needs HTTPS', () => {
  const password = { TRINO_PASSWORD: 'hunter2' };
  expect(problem({ ...lake, ...password, TRINO_URL: 'http://trino.example.com' })).toContain(
    'TRINO_URL: expected https://, because TRINO_PASSWORD is set; found http://',
  );
  expect(problem({ ...lake, ...password, TRINO_URL: 'https://trino.example.com' })).toBeUndefined();
});

test('Trino needs a name for a lake in a directory', () => {
  const environment = { OBJECT_STORE: 'file:///srv/lake', TRINO_URL: 'http://127.0.0.1:8080' };
  expect(problem(environment)).toContain('TRINO_LOCATION: expected a value');
  expect(problem({ ...environment, TRINO_LOCATION: 'local:///lake' })).toBeUndefined();
});

test('a slash behind the address of Trino changes nothing', () => {
  expect(loadConfig({ ...lake, TRINO_URL: 'http://127.0.0.1:8080/' }).TRINO_URL).toBe(
    'http://127.0.0.1:8080',
  );
});

test('the slots of the engine need connections only where there are any', () => {
  // 4 loads, 4 aggregations and 6 of the engine are 14, and two more.
  const slots = { OCP_LOAD_CONCURRENCY: '4', OCP_SQL_CONCURRENCY: '4', TRINO_CONCURRENCY: '6' };
  const withTrino = { ...lake, ...slots, TRINO_URL: 'http://127.0.0.1:8080' };
  expect(problem({ ...withTrino, OCP_DATABASE_POOL_SIZE: '15' })).toContain(
    'expected at least 16 (OCP_LOAD_CONCURRENCY + OCP_SQL_CONCURRENCY + TRINO_CONCURRENCY + 2), found 15',
  );
  expect(problem({ ...withTrino, OCP_DATABASE_POOL_SIZE: '16' })).toBeUndefined();
  expect(problem({ ...slots, OCP_DATABASE_POOL_SIZE: '10' })).toBeUndefined();
});
