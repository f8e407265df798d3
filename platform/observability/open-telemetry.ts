import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { detectResourcesSync, envDetectorSync, Resource } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import {
  makeWorkflowExporter,
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryActivityOutboundInterceptor,
  OpenTelemetryWorkflowClientInterceptor,
} from '@temporalio/interceptors-opentelemetry';
import { OtlpExporter } from './otlp-exporter.ts';
import type { Collector } from './otlp-exporter.ts';
import type { TracedProcess, Tracing } from './traced-process.ts';

/**
 * Set up OpenTelemetry for this process, once. Import it only if tracing is enabled.
 *
 * `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` take precedence over our own description of the process.
 */
export function openTracing(collector: Collector, process: TracedProcess): Tracing {
  const resource = new Resource({
    'service.name': 'ocp-pipeline',
    'service.version': process.version,
    'service.instance.id': process.instance,
    ...detectResourcesSync({ detectors: [envDetectorSync] }).attributes,
  });
  const processor = new BatchSpanProcessor(new OtlpExporter(collector, process.onError));
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  provider.register({ contextManager: new AsyncLocalStorageContextManager().enable() });
  return {
    client: new OpenTelemetryWorkflowClientInterceptor(),
    worker: {
      activity: (context) => ({
        inbound: new OpenTelemetryActivityInboundInterceptor(context),
        outbound: new OpenTelemetryActivityOutboundInterceptor(context),
      }),
      sinks: { exporter: makeWorkflowExporter(processor, resource) },
    },
    // Export failures have been reported to onError; nothing else may depend on them.
    close: () => provider.shutdown().catch(() => undefined),
  };
}
