/**
 * One request and the duty to answer it once, whichever transport carries it: HTTP by one of two
 * engines, or gRPC.
 *
 * An engine creates the exchange, fills the fields below from the head, collects the body and calls
 * `RequestHandler` exactly once, or `onAborted` if the client goes before. Afterwards it only notes
 * an abort. Rules that come from uWebSockets and hold for both engines (reliability.md §2.1):
 * - the native response is touched in the engine's file only;
 * - no request is handed over before the last chunk of its body, because the engine may still find
 *   it malformed; but for one that is refused for its body, as soon as that is known: what is left
 *   of the body is not waited for, and the connection ends with the answer;
 * - `body` is valid only during the call: copy what must outlive it.
 */

import type { TlsMaterial } from '../shared/access-plan.ts'
import type { Refusal } from '../shared/errors.ts'
import type { Gate, Grant } from './access.ts'
import type { AnswerHead } from './answer-head.ts'
import type { Cors } from './cors.ts'
import type { Document } from './documents.ts'
import type { BinaryBody, EncodedError } from './protocols/protocol.ts'
import type { RequestTrace, Traces } from './traces.ts'
import type { WireFormat } from './wire-formats.ts'

/** What is under way for a client, and to be given up when it goes. */
export interface Waiting {
  onGone(): void
}

/** The body of an answer of a model, see `EncodeResponse`. */
export type AnswerBody = string | Uint8Array | BinaryBody

/** What the answers of one variant have in common, as each transport writes it. */
export interface AnswerHeads {
  /** Status line, `content-type`, `x-sluice-model`, `-version`, `-variant`, `-epoch`. */
  readonly head: AnswerHead
  /** The same of an answer with binary tensors; `inference-header-content-length` is missing. */
  readonly binaryHead: AnswerHead
  /** Names and values, in turn, of the same lines of `x-sluice-`. */
  readonly metadata: readonly string[]
}

export interface AnswerIds {
  /** The prediction id is `idPrefix` with the digits of `sequence` behind it. */
  readonly idPrefix: string
  readonly sequence: number
  /** The client's, where it may stand in a header; null: that of the prediction stands there. */
  readonly echoedId: string | null
}

/** A refusal as clients of a format read it. */
export interface WrittenRefusal {
  readonly refusal: Refusal
  readonly error: EncodedError
  /** May stand in a header. */
  readonly requestId: string
  /** '' of a request that is no prediction. */
  readonly predictionId: string
  /** The methods of the path, where the method was wrong; else ''. */
  readonly allow: string
}

export interface Exchange {
  /** The format of all that this transport carries; null: the path tells. */
  readonly format: WireFormat | null
  /** Upper case. */
  readonly method: string
  /** Path without query, as sent (not decoded); over gRPC that which means the same. */
  readonly path: string
  /** `x-request-id` as sent, '' if absent. Not yet checked. */
  readonly requestId: string
  /** `x-sluice-explain: 1` was sent. */
  readonly isExplained: boolean
  /** `content-encoding` as sent, '' if absent. */
  readonly contentEncoding: string
  /** Bytes of a body that this transport has inflated, before it did; -1: it comes as it came. */
  readonly sentBytes: number
  /** `accept-encoding` as sent; '' if absent, and for a path that is not of a version protocol. */
  readonly acceptEncoding: string
  /** `inference-header-content-length` as sent; '' likewise. */
  readonly inferenceHeaderLength: string
  /**
   * Sent by a program on this machine, as far as can be seen (local-peer.ts). False for a path
   * whose answer does not depend on it (`isForLocals`).
   */
  readonly isLocal: boolean
  /** What its key allows it; null where nobody is asked for a key. */
  readonly grant: Grant | null
  /** `x-sluice-timeout-ms` as sent, '' if absent. Not yet checked. */
  readonly timeout: string
  /** A browser asks whether a page may send a request, and it may. */
  readonly isPreflight: boolean
  /** Monotonic milliseconds at which the head was complete; 0 unless `isExplained`. */
  readonly headMs: number
  /**
   * Monotonic milliseconds from which latency counts: when this thread began to read sockets in the
   * turn of the event loop that brought the last byte of the body (`turnMonotonic`), so that what
   * requests read before this one took is waiting of this one. If `isExplained`, when that byte was
   * read.
   */
  readonly startedMs: number
  /** Of a traced request; else null. */
  readonly trace: RequestTrace | null
  /** The client has gone: `reply` would be a no-op. */
  readonly isAborted: boolean
  /**
   * Told when the client goes before its answer has left. Set by the request path: a reference to
   * what is there anyway, no closure.
   */
  waiting: Waiting | null

  // Of these one is called, once: another call, or one after an abort, does nothing. Bytes are
  // valid during the call only.

  /** The answer of a model. `timing`: the value of `server-timing`, '' unless `isExplained`. */
  release(heads: AnswerHeads, body: AnswerBody, ids: AnswerIds, timing: string): void
  refuse(refused: WrittenRefusal): void
  /** An answer that is no prediction. */
  show(document: Document, requestId: string): void
  /** What may be done with a path. `methods`: '' where that is not what was asked. */
  allow(methods: string, requestId: string): void
}

/** An exchange over HTTP, whose four ways to answer http-answers.ts has. */
export interface HttpExchange extends Exchange {
  /**
   * Answers. `head`: status line and `name: value` lines, joined by CRLF, without the last CRLF and
   * without content-length; as bytes, latin1. Bytes are valid during the call only. `body`: null
   * for a status that has none, such as 204. A second call, or one after an abort, does nothing.
   */
  reply(head: string | Uint8Array, body: string | Uint8Array | null): void
}

/**
 * Called once per request. `refusal` is set when the engine itself must refuse (body too large,
 * budget exhausted); `body` is then empty.
 */
export type RequestHandler = (
  exchange: HttpExchange,
  body: Uint8Array,
  refusal: Refusal | null,
) => void

export interface HttpEngineOptions {
  readonly bodyBytesMax: number
  readonly headerBytesMax: number
  /** Most bytes of answers that may wait for their readers on this thread, see `UnsentAnswers`. */
  readonly unsentBytesMax: number
  readonly gate: Gate
  /** Takes HTTPS and nothing else, from the first `secure` on. */
  readonly isTls: boolean
  /** For short-lived files with private keys: of this user alone. */
  readonly keyFolder: string
  /** null: off, and what browsers say of their pages is not even read. */
  readonly cors: Cors | null
  /** null: tracing is off, and what callers say of their traces is not even read. */
  readonly traces: Pick<Traces, 'begin'> | null
  /**
   * Takes `bytes` (may be negative) out of the budget of buffered bodies, shared by all threads of
   * the replica; false, and nothing taken, when it would be exceeded.
   */
  takeBodyBytes(bytes: number): boolean
  /** Called when the number of open connections changes. */
  onConnections(delta: 1 | -1): void
  readonly onRequest: RequestHandler
  /** Called when a client goes before its request was complete, and so in place of `onRequest`. */
  onAborted(): void
}

/**
 * Whether a path is of the protocols that have `accept-encoding` and binary tensors: `/v1`, `/v2`.
 * Others are spared the look-up of those headers (40 ns each).
 */
export const hasProtocolHeaders = (path: string): boolean => path.startsWith('/v')

/** A head as text, in which bytes are latin1. */
export const textOf = (head: string | Uint8Array): string =>
  typeof head === 'string' ? head : Buffer.from(head).toString('latin1')

export interface HttpEngine {
  readonly name: 'uws' | 'node'
  /**
   * Exchanges of which neither the kernel has the whole answer nor the client has gone, those whose
   * body still arrives included. (Of the last few small answers on a connection, uWebSockets may
   * keep bytes that this does not know of.)
   */
  readonly underWay: number
  /**
   * New connections get this certificate, open ones live on. With `isTls` to be called before
   * `listen`.
   *
   * @throws GatewayError CONFIG_INVALID, and the one from before stays
   */
  secure(material: TlsMaterial): void
  /** Listens with SO_REUSEPORT; gives the port (0 picks one), or rejects with PORT_IN_USE. */
  listen(host: string, port: number): Promise<number>
  /** Whether it listens: false before `listen`, and while it is paused. */
  readonly isAccepting: boolean
  /** Leaves new connections to other threads of the port, or to the kernel, which refuses them. */
  pauseAccepting(): void
  /** Ends that. Where the port cannot be bound at once, `isAccepting` tells. */
  resumeAccepting(): void
  /** Accepts no new connections, and answers with `connection: close` from now on. */
  stopAccepting(): void
  /** Closes everything at once. */
  close(): void
}
