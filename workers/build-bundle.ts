import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { builtBundlePath } from './pipeline.ts';

// Run by `npm run build`: a production worker starts from this file instead of bundling for two seconds.
const { code } = await bundleWorkflowCode({
  workflowsPath: fileURLToPath(new URL('../workflows', import.meta.url)),
  logger: new DefaultLogger('WARN'),
});
await writeFile(builtBundlePath, code);
