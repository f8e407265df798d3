export { ingestManifest } from './ingest-manifest.ts';
export { resummarize } from './resummarize.ts';
export { watchSettings } from './watch-settings.ts';
