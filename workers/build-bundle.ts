import { buildBundles } from './workflow-bundle.ts';

// Run by `npm run build`, with the SDK that the worker will have.
await buildBundles();
