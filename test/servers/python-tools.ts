import { join } from 'node:path';
import { cacheDirectory, requireProgram } from './server-control.ts';

/**
 * Path of a Python program that `test/servers/install.sh` has put into the cache.
 *
 * @throws Error that says how to get it when it is absent
 */
export function pythonTool(name: 'nise' | 'schemathesis'): Promise<string> {
  return requireProgram(join(cacheDirectory(), 'python-tools', 'bin', name));
}
