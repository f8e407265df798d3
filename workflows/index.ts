export { ingestManifest } from './ingest-manifest.ts';
export { purgeExpired } from './purge-expired.ts';
export { resummarize } from './resummarize.ts';
export { sweepStaging } from './sweep-staging.ts';
export { watchSettings } from './watch-settings.ts';
