import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../platform/config/package-root.ts';
import { forbiddenFor, importsBetweenRooms, page, rooms, withRooms } from '../../scripts/rooms.mjs';

test('the table and the drawing of the architecture page are those of the code', () => {
  const text = readFileSync(page, 'utf8');
  expect(text, 'out of date: run `npm run rooms`').toBe(withRooms(text));
});

test('no room imports a room that it may not', () => {
  const wrong = [...importsBetweenRooms()].flatMap(([from, imported]) =>
    [...imported].filter((to) => forbiddenFor(from).includes(to)).map((to) => `${from} -> ${to}`),
  );
  expect(wrong).toEqual([]);
});

test('every folder that is compiled is a room', () => {
  const { include } = JSON.parse(readFileSync(join(packageRoot, 'tsconfig.build.json'), 'utf8')) as {
    include: string[];
  };
  const folders = include
    .filter((folder) => folder !== 'bench')
    .flatMap((folder) => {
      if (rooms.some(({ name }) => name === folder)) return [folder];
      const inner = readdirSync(join(packageRoot, folder)).map((name) => `${folder}/${name}`);
      return inner.filter((name) => readdirSync(join(packageRoot, name)).length > 0);
    });
  // Vite compiles the page.
  expect([...folders, 'page'].sort()).toEqual(rooms.map(({ name }) => name).sort());
});
