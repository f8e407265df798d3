import { setFlagsFromString } from 'node:v8';

/**
 * Tell V8 to collect garbage sooner rather than take more memory; call it before workers start, whose workflow thread then
 * does the same. Measured on Node 20 with a million rows: 280 MB at the peak instead of 320 MB, for a second more while the
 * archive is split. `--optimize-for-size` saves 50 MB more and takes four seconds.
 */
export function preferSmallHeap(): void {
  setFlagsFromString('--heap-growing-percent=30');
  setFlagsFromString('--max-semi-space-size=2');
  setFlagsFromString('--semi-space-growth-factor=1');
}
