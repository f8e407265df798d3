import type { Attributes, AttributeValue, HrTime } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import type { ExportResult } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter, TimedEvent } from '@opentelemetry/sdk-trace-base';
import { redactSecrets } from '../../domain/failures/redaction.ts';

/** Where spans go. */
export interface Collector {
  /** base address; spans are posted to `/v1/traces` below it */
  endpoint: string;
  /** `name=value,name=value`, values percent-encoded; may contain a token */
  headers: string;
  timeoutMs: number;
}

/**
 * What may be exported of a span. The SDK puts everything that it knows about a run on each span of its workflow,
 * including the last result, the last failure and the memo.
 */
const shownAttributes = new Set([
  'temporalWorkflowId',
  'temporalActivityId',
  'temporalUpdateId',
  'run_id',
  'workflowType',
  'taskQueue',
  'namespace',
  'attempt',
  'exception.type',
  'exception.message',
]);

/**
 * Sends spans to a collector by OTLP over HTTP, as JSON. Written here because the published exporters for the version
 * of OpenTelemetry that Temporal's interceptors need would pull in a second protobufjs.
 */
export class OtlpExporter implements SpanExporter {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly #timeoutMs: number;
  readonly #onError: (error: unknown) => void;
  readonly #running = new Set<Promise<void>>();

  /** @param onError called when spans were dropped; its message contains neither headers nor credentials */
  constructor(collector: Collector, onError: (error: unknown) => void) {
    this.#url = `${collector.endpoint.replace(/\/+$/, '')}/v1/traces`;
    this.#headers = { ...parseHeaders(collector.headers), 'content-type': 'application/json' };
    this.#timeoutMs = collector.timeoutMs;
    this.#onError = onError;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    const running = this.#post(JSON.stringify(toRequest(spans)))
      .then(() => done({ code: ExportResultCode.SUCCESS }))
      .catch((cause: unknown) => {
        const reason = cause instanceof Error ? cause.message : String(cause);
        const error = new Error(
          `${spans.length} spans were not accepted by the collector: ${redactSecrets(reason)}`,
        );
        this.#onError(error);
        done({ code: ExportResultCode.FAILED, error });
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async forceFlush(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async shutdown(): Promise<void> {
    await this.forceFlush();
  }

  async #post(body: string): Promise<void> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: this.#headers,
      body,
      signal: AbortSignal.timeout(this.#timeoutMs),
    });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
  }
}

function parseHeaders(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split(',')
      .map((pair) => pair.trim())
      .filter((pair) => pair.includes('='))
      .map((pair) => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())];
      }),
  );
}

/** `ExportTraceServiceRequest` of OTLP in its JSON form. All spans are of this process, so they have one resource. */
function toRequest(spans: readonly ReadableSpan[]): object {
  const scopes = new Map<string, ReadableSpan[]>();
  for (const span of spans) {
    const { name } = span.instrumentationLibrary;
    scopes.set(name, [...(scopes.get(name) ?? []), span]);
  }
  return {
    resourceSpans: [
      {
        resource: { attributes: toAttributes(spans[0]?.resource.attributes ?? {}) },
        scopeSpans: [...scopes].map(([name, ofScope]) => ({ scope: { name }, spans: ofScope.map(toSpan) })),
      },
    ],
  };
}

function toSpan(span: ReadableSpan): object {
  const { traceId, spanId } = span.spanContext();
  return {
    traceId,
    spanId,
    ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    // OTLP counts from 1: 0 is "unspecified".
    kind: span.kind + 1,
    startTimeUnixNano: nanoseconds(span.startTime),
    endTimeUnixNano: nanoseconds(span.endTime),
    attributes: toAttributes(shown(span.attributes)),
    events: span.events.map(toEvent),
    status: {
      code: span.status.code,
      ...(span.status.message === undefined ? {} : { message: redactSecrets(span.status.message) }),
    },
  };
}

function toEvent({ time, name, attributes = {} }: TimedEvent): object {
  return { timeUnixNano: nanoseconds(time), name, attributes: toAttributes(shown(attributes)) };
}

function shown(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes)
      .filter(([name]) => shownAttributes.has(name))
      .map(([name, value]) => [name, typeof value === 'string' ? redactSecrets(value) : value]),
  );
}

function toAttributes(attributes: Attributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: toValue(value) }],
  );
}

function toValue(value: AttributeValue): object {
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (typeof value === 'string') return { stringValue: value };
  return { stringValue: value.join(',') };
}

function nanoseconds([seconds, nanos]: HrTime): string {
  return String(BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
}
