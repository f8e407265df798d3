import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { packageRoot } from '../../platform/config/package-root.ts';

/** What is loaded when a file is imported; types and what is imported on demand are not. */
export interface StaticImports {
  /** files of ours, named from the root, the file itself among them */
  files: ReadonlySet<string>;
  /** packages and built-ins, as they are named in the files */
  packages: ReadonlySet<string>;
}

/** The whole of an import or export, of one line or several; group 1 names what is loaded. */
const loading = /^(?:import|export)\s(?!type\b)(?:[\w$*{},\s]*?\sfrom\s)?'([^']+)';$/gm;

/** Follow the static imports of a file, which is named from the root. */
export function staticImports(entry: string): StaticImports {
  const files = new Set<string>();
  const packages = new Set<string>();
  const follow = (path: string) => {
    const name = relative(packageRoot, path);
    if (files.has(name)) return;
    files.add(name);
    for (const [, imported = ''] of readFileSync(path, 'utf8').matchAll(loading)) {
      if (imported.startsWith('.')) follow(join(dirname(path), imported));
      else packages.add(imported);
    }
  };
  follow(join(packageRoot, entry));
  return { files, packages };
}
