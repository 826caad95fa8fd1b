/**
 * From one traced request to its spans: one for the whole, and one for each part of its way that it
 * came through. Pure, and without OpenTelemetry; names follow its semantic conventions 1.45
 * (https://opentelemetry.io/docs/specs/semconv/), and what those have no name for is `sluice.`.
 */

import type { TracedRequest } from '../../../proto/gen/control_pb.ts'
import { PROTOCOLS, reasonName, type SlotKey } from '../../shared/counters.ts'
import { ERRORS, type ErrorCode } from '../../shared/errors.ts'
import { predictionIdPrefix } from '../../shared/ids.ts'
import { ROUTE } from '../../shared/trace-ring.ts'

export type SpanAttributes = Readonly<Record<string, string | number>>

export interface Span {
  readonly name: string
  /** The whole request; its parts have it as their parent. */
  readonly isServer: boolean
  /** Lower-case hexadecimal, as all ids. */
  readonly traceId: string
  readonly spanId: string
  /** '': the trace begins here. */
  readonly parentSpanId: string
  /** Wall clock, ms since 1970. */
  readonly startMs: number
  readonly endMs: number
  /** The fault is ours, not the client's. */
  readonly isError: boolean
  readonly attributes: SpanAttributes
}

/** Whose requests they are. */
export interface Producer {
  readonly gateway: string
  readonly replica: number
  readonly incarnation: number
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Over HTTP: the path with names in place of what a client wrote. */
const HTTP_ROUTES: Readonly<Record<string, readonly [routed: string, pinned: string]>> = {
  features: ['/predict/{endpoint}', '/predict/{endpoint}'],
  oip: ['/v2/models/{model}/infer', '/v2/models/{model}/versions/{version}/infer'],
  tfs: ['/v1/models/{model}:predict', '/v1/models/{model}/versions/{version}:predict'],
}

/** gRPC codes that are the fault of the server, by the conventions for its spans. */
const GRPC_FAULTS: readonly string[] = [
  ...['UNKNOWN', 'DEADLINE_EXCEEDED', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS'],
]

interface Outcome {
  readonly attributes: SpanAttributes
  readonly isError: boolean
}

/** What the client was told; of one that had gone before, nothing. */
const outcomeOf = (protocol: string, reason: string, isPinned: boolean): Outcome => {
  const code: ErrorCode | null = Object.hasOwn(ERRORS, reason) ? (reason as ErrorCode) : null
  const errorType: SpanAttributes = reason === 'ok' ? {} : { 'error.type': reason || '_OTHER' }
  if (protocol === 'grpc') {
    const status = reason === 'ok' ? 'OK' : code === null ? 'CANCELLED' : ERRORS[code].grpc
    const attributes = {
      'rpc.system.name': 'grpc',
      'rpc.method': 'inference.GRPCInferenceService/ModelInfer',
      'rpc.status_code': status,
      ...errorType,
    }
    return { attributes, isError: GRPC_FAULTS.includes(status) }
  }
  const status = reason === 'ok' ? 200 : code === null ? null : ERRORS[code].http
  const attributes = {
    'http.request.method': 'POST',
    'http.route': HTTP_ROUTES[protocol]?.[isPinned ? 1 : 0] ?? '_OTHER',
    ...(status === null ? {} : { 'http.response.status_code': status }),
    ...errorType,
  }
  return { attributes, isError: status !== null && status >= 500 }
}

const REASONS: Readonly<Record<number, string>> = {
  [ROUTE.ONLY]: 'default',
  [ROUTE.SPLIT]: 'split',
  [ROUTE.PINNED]: 'targeting_match',
}

/** Which version an endpoint chose, and why, in the words for feature flags. */
const routeAttributes = (
  { endpoint, model, version, variant }: SlotKey,
  { route, epoch }: TracedRequest,
): SpanAttributes => ({
  'feature_flag.key': endpoint,
  'feature_flag.version': String(epoch),
  'feature_flag.result.reason': variant === '' ? 'error' : (REASONS[route] ?? 'unknown'),
  ...(variant === '' ? {} : { 'feature_flag.result.variant': variant }),
  'sluice.model': model,
  ...(version === '' ? {} : { 'sluice.version': version }),
})

interface Part {
  readonly name: string
  readonly fromMs: number | undefined
  readonly toMs: number | undefined
  readonly attributes?: SpanAttributes
}

/** The parts of its way, in ms after it was received; without an end it never came there. */
const partsOf = (request: TracedRequest, reason: string): Part[] => {
  const { startedMs, admittedMs, takenMs, runStartMs, runEndMs, writingMs, endedMs } = request
  const rows = request.runRows
  // What expires has been waiting until then; of other failures it is not known how long.
  const leftQueueMs = reason === 'DEADLINE_EXPIRED' ? endedMs : takenMs
  return [
    { name: 'receive', fromMs: 0, toMs: startedMs },
    { name: 'decode', fromMs: startedMs, toMs: admittedMs },
    { name: 'queue', fromMs: admittedMs, toMs: leftQueueMs },
    { name: 'batch', fromMs: takenMs, toMs: runStartMs, attributes: { 'sluice.batch.rows': rows } },
    { name: 'run', fromMs: runStartMs, toMs: runEndMs },
    { name: 'reply', fromMs: writingMs, toMs: endedMs },
  ]
}

/**
 * The spans of a request, the one of the whole first. Times never run backwards: those of a pooled
 * run come from another thread, whose clock may be a few microseconds off.
 *
 * @param newSpanId 16 hexadecimal digits, others at every call
 */
export const spansOf = (
  request: TracedRequest,
  key: SlotKey,
  { gateway, replica, incarnation }: Producer,
  newSpanId: () => string,
): Span[] => {
  const { receivedMs, thread, sequence, rows } = request
  const protocol = PROTOCOLS[request.protocol] ?? ''
  const reason = reasonName(request.reason)
  const { attributes, isError } = outcomeOf(protocol, reason, request.route === ROUTE.PINNED)
  const traceId = hex(request.traceId)
  const endedMs = Math.max(0, request.endedMs)
  const server: Span = {
    name: `predict ${key.endpoint}`,
    isServer: true,
    traceId,
    spanId: newSpanId(),
    parentSpanId: hex(request.parentSpanId),
    startMs: receivedMs,
    endMs: receivedMs + endedMs,
    isError,
    attributes: {
      ...attributes,
      ...routeAttributes(key, request),
      'sluice.protocol': protocol,
      'sluice.prediction_id': predictionIdPrefix(gateway, replica, thread, incarnation) + sequence,
      ...(rows === 0 ? {} : { 'sluice.rows': rows }),
    },
  }
  let reachedMs = 0
  const reach = (ms: number): number => {
    reachedMs = Math.min(endedMs, Math.max(reachedMs, ms))
    return receivedMs + reachedMs
  }
  const parts = partsOf(request, reason).flatMap(
    ({ name, fromMs, toMs, attributes: own = {} }): Span[] => {
      if (fromMs === undefined || toMs === undefined) return []
      return [
        {
          ...{ name, isServer: false, traceId, spanId: newSpanId(), parentSpanId: server.spanId },
          ...{ startMs: reach(fromMs), endMs: reach(toMs), isError: false, attributes: own },
        },
      ]
    },
  )
  return [server, ...parts]
}
