import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker';
import type { OpenTelemetrySinks } from '@temporalio/interceptors-opentelemetry';
import type { Config } from '../config/config.ts';

/** What a worker needs to trace activities and workflows. */
export interface WorkerTracing {
  activity: ActivityInterceptorsFactory;
  /** takes the spans of workflow code out of its sandbox */
  sinks: InjectedSinks<OpenTelemetrySinks>;
}

/** Tracing of one process. */
export interface Tracing {
  /** start a trace with a run */
  client: WorkflowClientInterceptor;
  worker: WorkerTracing;
  /** Hand over what is waiting, for at most the export timeout. */
  close(): Promise<void>;
}

/** Who says what happened. */
export interface TracedProcess {
  version: string;
  /** name of the worker in Temporal */
  instance: string;
  /** told when spans could not be handed over; they are dropped, the work goes on */
  onError: (error: unknown) => void;
}

/**
 * Tracing with OpenTelemetry, when a collector is configured. The modules are loaded only then: they take memory.
 *
 * @returns undefined when `OTEL_EXPORTER_OTLP_ENDPOINT` is not set
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
