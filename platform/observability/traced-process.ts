import type { WorkflowClientInterceptor } from '@temporalio/client';
import type { OpenTelemetrySinks } from '@temporalio/interceptors-opentelemetry';
import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker';

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
