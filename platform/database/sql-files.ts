import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { packageRoot } from '../config/package-root.ts';

const sqlRoot = join(packageRoot, 'sql');
const texts = new Map<string, string>(
  readdirSync(sqlRoot, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.sql'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [relative(sqlRoot, path).replaceAll('\\', '/'), readFileSync(path, 'utf8')]),
);

/**
 * Text of one file under `sql/`, for example `loadSql('summary/report-tables/cost_summary.sql')`. All files are read
 * when the module loads.
 *
 * @throws Error when the caller's module loads (never in the middle of a run) if the file is not shipped
 */
export function loadSql(name: string): string {
  const text = texts.get(name);
  if (text === undefined)
    throw new Error(`sql/${name} is missing from the installation; found ${texts.size} files in ${sqlRoot}`);
  return text;
}
