import type { Config } from '../config/config.ts';
import type { TracedProcess, Tracing } from './traced-process.ts';

/**
 * Tracing with OpenTelemetry, if a collector is configured. The modules are loaded only then, because they take memory.
 *
 * @returns undefined if `OTEL_EXPORTER_OTLP_ENDPOINT` is not set
 */
export async function startTracing(config: Config, process: TracedProcess): Promise<Tracing | undefined> {
  if (config.OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return undefined;
  const { openTracing } = await import('./open-telemetry.ts');
  return openTracing(
    {
      endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
      headers: config.OTEL_EXPORTER_OTLP_HEADERS ?? '',
      timeoutMs: config.OTEL_EXPORTER_OTLP_TIMEOUT,
    },
    process,
  );
}
