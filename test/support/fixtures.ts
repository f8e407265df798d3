import { fileURLToPath } from 'node:url';

/** Path of a payload archive among the fixtures. */
export function payloadPath(name: string): string {
  return fileURLToPath(new URL(`../fixtures/payloads/${name}.tar.gz`, import.meta.url));
}
