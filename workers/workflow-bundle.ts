import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { WorkflowBundleOption, WorkerOptions } from '@temporalio/worker';
import { PipelineError } from '../domain/failures/failures.ts';
import { packageRoot } from '../platform/config/package-root.ts';

/** The bundle to use: traced workflows contain the interceptors of OpenTelemetry. */
export interface BundleKind {
  traced: boolean;
}

const require = createRequire(import.meta.url);
const workflowsPath = fileURLToPath(new URL('../workflows', import.meta.url));
/** Records the SDK with which the bundles next to it were built. */
const recordPath = join(packageRoot, 'dist', 'workflow-bundle.json');

/** Built by `npm run build`; a production worker starts from this file instead of bundling for two seconds. */
export const builtBundlePath = join(packageRoot, 'dist', 'workflow-bundle.js');
const builtTracedBundlePath = join(packageRoot, 'dist', 'workflow-bundle-traced.js');

/** Version of the installed Temporal SDK. A bundle contains the workflow half of the SDK, so both must be the same. */
export function sdkVersion(): string {
  return (require('@temporalio/worker/package.json') as { version: string }).version;
}

/** Bundle the current workflows. The same sources give the same text. */
export async function bundleWorkflows({ traced }: BundleKind): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    workflowInterceptorModules: traced ? [interceptorModule()] : [],
    logger: new DefaultLogger('WARN'),
  });
  return code;
}

/** Write both bundles and the record of the SDK's version under `dist/`. */
export async function buildBundles(): Promise<void> {
  await writeFile(builtBundlePath, await bundleWorkflows({ traced: false }));
  await writeFile(builtTracedBundlePath, await bundleWorkflows({ traced: true }));
  await writeFile(recordPath, `${JSON.stringify({ sdkVersion: sdkVersion() })}\n`);
}

type WorkflowCode =
  | { workflowBundle: WorkflowBundleOption }
  | { workflowsPath: string; interceptors: NonNullable<WorkerOptions['interceptors']> };

/**
 * Where a worker gets its workflows: the given bundle, else that of the build; when run from source, the SDK bundles
 * them.
 *
 * @throws PipelineError `ConfigInvalid` if the build's bundle is missing or has another SDK version
 */
export function workflowCode({ traced, given }: BundleKind & { given?: string | undefined }): WorkflowCode {
  if (given !== undefined) return { workflowBundle: { codePath: given } };
  if (import.meta.url.includes('/dist/workers/')) {
    checkRecord(existsSync(recordPath) ? readFileSync(recordPath, 'utf8') : undefined, sdkVersion());
    return { workflowBundle: { codePath: traced ? builtTracedBundlePath : builtBundlePath } };
  }
  return { workflowsPath, interceptors: { workflowModules: traced ? [interceptorModule()] : [] } };
}

/**
 * @param record contents of the file next to the bundles; undefined if it is missing
 * @throws PipelineError `ConfigInvalid` saying what to do
 */
export function checkRecord(record: string | undefined, installed: string): void {
  const built = record === undefined ? undefined : (JSON.parse(record) as { sdkVersion?: string }).sdkVersion;
  if (built === installed) return;
  throw new PipelineError(
    'ConfigInvalid',
    `Workflow bundle: expected one built with Temporal SDK ${installed}, found ${built ?? 'none'}; run: npm run build`,
  );
}

function interceptorModule(): string {
  return require.resolve('@temporalio/interceptors-opentelemetry/lib/workflow-interceptors');
}
