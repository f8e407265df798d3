export { ingestManifest } from './ingest-manifest.ts';
