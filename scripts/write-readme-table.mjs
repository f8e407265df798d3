// Writes the configuration table of the README from the built program:
// npm run build && node scripts/write-readme-table.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { configurationTable } from '../dist/platform/config/config.js';

const readme = new URL('../README.md', import.meta.url);
const text = readFileSync(readme, 'utf8');
const code = (value) => (value === '' ? '' : `\`${value}\``);
const rows = configurationTable().map(
  (row) => `| ${code(row.name)} | ${code(row.fallback)} | ${row.meaning} |`,
);
const table = ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n');
const from = text.indexOf('| variable |');
const until = text.indexOf('<!-- end of configuration table');
writeFileSync(readme, `${text.slice(0, from)}${table}\n${text.slice(until)}`);
