import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { OpenTelemetrySinks } from '@temporalio/interceptors-opentelemetry';
import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker';

/** What a worker needs to trace activities and workflows. */
export interface WorkerTracing {
  activity: ActivityInterceptorsFactory;
  /** exports the spans of workflow code from its sandbox */
  sinks: InjectedSinks<OpenTelemetrySinks>;
}

/** Tracing of one process. */
export interface Tracing {
  /** start a trace with a run */
  client: WorkflowClientInterceptor;
  worker: WorkerTracing;
  /** Send what is pending, for at most the export timeout. */
  close(): Promise<void>;
}

/** The process that the spans describe. */
export interface TracedProcess {
  version: string;
  /** name of the worker in Temporal */
  instance: string;
  /** called if spans could not be sent; they are dropped, the work continues */
  onError: (error: unknown) => void;
}
