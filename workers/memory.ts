import { setFlagsFromString } from 'node:v8';

/**
 * Tell V8 to collect garbage sooner rather than take more memory; call it before workers start, whose workflow thread then
 * does the same. Measured with 200 payloads at once: 295 MB instead of 464 MB at the peak, for a tenth more CPU time.
 */
export function preferSmallHeap(): void {
  setFlagsFromString('--optimize-for-size');
  setFlagsFromString('--max-semi-space-size=2');
  setFlagsFromString('--semi-space-growth-factor=1');
}
