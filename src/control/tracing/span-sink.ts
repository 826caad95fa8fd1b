/**
 * Spans out of this process, by OpenTelemetry's SDK over OTLP: the only file that knows it, loaded
 * only where tracing is on. What ended on a data thread has no use for tracers, contexts, samplers
 * and clocks: finished spans go straight to the SDK's batch processor and its exporter, whose
 * variables (endpoint, headers, timeout, compression, certificates, resource) it reads itself.
 */

import { type Attributes, DiagLogLevel, diag, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources'
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace'
import type { TracingConfig } from '../../config/config.ts'
import { VERSION } from '../../shared/version.ts'
import type { Span } from './request-spans.ts'

export interface SinkHandlers {
  /** So many requests have left, or have not, and why. */
  onExported(requests: number, failure: string | null): void
  /** The SDK complains, of a variable that it cannot read for instance. */
  onWarning(message: string): void
}

export interface SpanSink {
  /** Whether so many spans can wait beside those that do. */
  hasRoom(spans: number): boolean
  /** Takes the spans of a request, for which there is room. */
  take(spans: readonly Span[]): void
  /** Sends what waits, and no more. Resolves when that is done, or has failed. */
  close(): Promise<void>
}

const SAMPLED = 1
/** One object: by it the exporter tells which spans belong together. */
const SCOPE = { name: 'sluice', version: VERSION }

const timeOf = (ms: number): [seconds: number, nanoseconds: number] => {
  const seconds = Math.floor(ms / 1000)
  const nanoseconds = Math.round((ms - seconds * 1000) * 1e6)
  return nanoseconds < 1e9 ? [seconds, nanoseconds] : [seconds + 1, 0]
}

const resourceOf = (gateway: string) =>
  defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': 'sluice',
        'service.version': VERSION,
        'service.instance.id': gateway,
      }),
    )
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }))

const readable = (span: Span, resource: ReadableSpan['resource']): ReadableSpan => {
  const { traceId, spanId, parentSpanId, isServer, isError, startMs, endMs } = span
  const context = { traceId, spanId, traceFlags: SAMPLED }
  const parent = { traceId, spanId: parentSpanId, traceFlags: SAMPLED, isRemote: isServer }
  return {
    name: span.name,
    kind: isServer ? SpanKind.SERVER : SpanKind.INTERNAL,
    spanContext: () => context,
    ...(parentSpanId === '' ? {} : { parentSpanContext: parent }),
    startTime: timeOf(startMs),
    endTime: timeOf(endMs),
    duration: timeOf(endMs - startMs),
    status: { code: isError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: span.attributes as Attributes,
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

/** Every request has one span of a server; an export may end between its spans. */
const requestsIn = (spans: readonly ReadableSpan[]): number =>
  spans.filter(({ kind }) => kind === SpanKind.SERVER).length

/** `gateway`: the name of this one in the resource of all spans. */
export const openSpanSink = (
  gateway: string,
  batch: TracingConfig['batch'],
  { onExported, onWarning }: SinkHandlers,
): SpanSink => {
  const nothing = () => {}
  // That an export has failed is known from its result.
  const logger = { error: nothing, warn: onWarning, info: nothing, debug: nothing }
  const options = { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true }
  diag.setLogger({ ...logger, verbose: nothing }, options)
  const resource = resourceOf(gateway)
  const exporter = new OTLPTraceExporter()
  let waiting = 0
  const counting: SpanExporter = {
    export: (spans, done) => {
      waiting -= spans.length
      exporter.export(spans, (result) => {
        const failure = result.code === 0 ? null : (result.error?.message ?? 'unknown')
        onExported(requestsIn(spans), failure)
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
  }
  const processor = new BatchSpanProcessor({
    exporter: counting,
    maxQueueSize: batch.queueSpansMax,
    maxExportBatchSize: batch.batchSpansMax,
    scheduledDelayMillis: batch.delayMs,
    exportTimeoutMillis: batch.exportMsMax,
  })
  return {
    hasRoom: (spans) => waiting + spans <= batch.queueSpansMax,
    take: (spans) => {
      waiting += spans.length
      for (const span of spans) processor.onEnd(readable(span, resource))
    },
    close: () => processor.shutdown().catch(nothing),
  }
}
