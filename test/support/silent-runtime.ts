import { createLogger } from '../../platform/observability/logging.ts';
import { installTemporalRuntime } from '../../platform/observability/temporal-runtime.ts';

/**
 * Silence Temporal's SDK, once per process and before anything uses it: whatever needs a runtime first would make one
 * of its own, and files share a process. A set-up file runs again for every file of the process.
 */
const key = Symbol.for('ocp-pipeline: the runtime of the tests');
const shared = globalThis as { [key]?: true };
if (shared[key] !== true) {
  installTemporalRuntime(createLogger({ level: process.env['OCP_LOG_LEVEL'] ?? 'silent' }));
  shared[key] = true;
}
