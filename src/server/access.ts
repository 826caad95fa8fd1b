/**
 * Stage 1 of the request path where keys are configured: who asks, what that key may ask, and how
 * often. Decided by the head alone, before any byte of the body is looked at.
 */

import type { AccessPlan, PlannedKey } from '../shared/access-plan.ts'
import { isRefusal, type Refusal, refuse } from '../shared/errors.ts'
import { ALL_ENDPOINTS, DEFAULT_ENDPOINT, NO_KEY, neededFor, SOME_ENDPOINT } from './key-rights.ts'
import { KeyRing } from './key-ring.ts'
import { type Pace, paceOf, takeToken } from './rate-limit.ts'

/** What the key of a request allows it. */
export interface Grant {
  /** Endpoints that it may ask; null: all. */
  readonly endpoints: ReadonlySet<string> | null
  /** Level that its requests have at best, 1 first; 0: that of requests without a key. */
  readonly priority: number
}

/** What engines ask of this. */
export interface Gate {
  /** False: nobody is asked for a key, and the headers are not even read. */
  readonly isClosed: boolean
  /**
   * What a request is allowed, or why it is refused; null: its path is open to all. Headers as
   * sent, '' if absent.
   */
  admit(path: string, authorization: string, apiKey: string): Grant | Refusal | null
}

/** And what gRPC asks, where the path is known by the message alone. */
export interface KeyGate extends Gate {
  /** Why a request is refused whatever its path is; null: that depends. */
  identify(authorization: string, apiKey: string): Refusal | null
}

/** The grant in what `Gate.admit` says; null where there is none. */
export const grantOf = (admitted: Grant | Refusal | null): Grant | null =>
  admitted === null || isRefusal(admitted) ? null : admitted

/** The refusal in it; null where there is none. */
export const denialOf = (admitted: Grant | Refusal | null): Refusal | null =>
  admitted !== null && isRefusal(admitted) ? admitted : null

interface Holder extends Grant {
  readonly pace: Pace | null
  /** Of its word. */
  readonly index: number
}

export interface AccessSurroundings {
  /** Nanoseconds of a monotonic clock that all threads of the process share. */
  processNs(): bigint
  /** Endpoint that answers where none is named; null: there is none. */
  defaultEndpoint(): string | null
}

const KEY_REQUIRED = refuse(
  'KEY_REQUIRED',
  'This server asks for a key: send one that it knows as authorization: Bearer, or as x-api-key',
)
const OTHER_ENDPOINT = refuse('FORBIDDEN', 'The key may not ask this')

const BEARER = /^bearer +/i

/** `authorization: Bearer <key>` counts before `x-api-key`. */
const keyOf = (authorization: string, apiKey: string): string =>
  BEARER.test(authorization) ? authorization.replace(BEARER, '') : apiKey

/** Codes of refusals for a key. */
const DENIALS: ReadonlySet<string> = new Set(['KEY_REQUIRED', 'FORBIDDEN', 'RATE_LIMITED'])

/** Whether an engine refuses a request for its key: its answer must show nothing of an endpoint. */
export const isDenied = (refusal: Refusal | null): boolean =>
  refusal !== null && DENIALS.has(refusal.code)

/**
 * The second look, at the endpoint that answers: the default one may be another than it was when
 * the head came.
 */
export const admitKey = (grant: Grant | null, endpoint: string): Refusal | null =>
  grant?.endpoints?.has(endpoint) === false ? OTHER_ENDPOINT : null

export class Access implements KeyGate {
  readonly #surroundings: AccessSurroundings
  #ring = new KeyRing([])
  #holders: readonly Holder[] = []
  #words = new BigInt64Array(0)
  isClosed = false

  constructor(surroundings: AccessSurroundings) {
    this.#surroundings = surroundings
  }

  /** `words`: shared, one for each key at its index of `indices`. */
  use(keys: AccessPlan['keys'], words: BigInt64Array<ArrayBufferLike>, indices: readonly number[]) {
    this.#ring = new KeyRing(keys.map(({ sha256 }) => sha256))
    this.#holders = keys.map((key, i) => holderOf(key, indices[i]!))
    this.#words = words as BigInt64Array<ArrayBuffer>
    this.isClosed = keys.length > 0
  }

  admit(path: string, authorization: string, apiKey: string): Grant | Refusal | null {
    const needed = neededFor(path)
    if (needed === NO_KEY) return null
    const holder = this.#holders[this.#ring.find(keyOf(authorization, apiKey))]
    if (holder === undefined) return KEY_REQUIRED
    if (!this.#covers(holder, needed)) return OTHER_ENDPOINT
    return this.#limit(holder) ?? holder
  }

  identify(authorization: string, apiKey: string): Refusal | null {
    const index = this.#ring.find(keyOf(authorization, apiKey))
    return this.#holders[index] === undefined ? KEY_REQUIRED : null
  }

  #covers(holder: Holder, needed: string | number): boolean {
    if (holder.endpoints === null || needed === SOME_ENDPOINT) return true
    if (needed === ALL_ENDPOINTS) return false
    const name = needed === DEFAULT_ENDPOINT ? this.#surroundings.defaultEndpoint() : needed
    return typeof name === 'string' && holder.endpoints.has(name)
  }

  #limit({ pace, index }: Holder): Refusal | null {
    if (pace === null) return null
    const waitNs = takeToken(this.#words, index, pace, this.#surroundings.processNs())
    if (waitNs === 0n) return null
    const retryAfterMs = Math.ceil(Number(waitNs) / 1e6)
    const detail = 'The key sends more requests than it may'
    return { ...refuse('RATE_LIMITED', detail), retryAfterMs }
  }
}

const holderOf = ({ endpoints, priority, rate }: PlannedKey, index: number): Holder => ({
  endpoints: endpoints === null ? null : new Set(endpoints),
  priority,
  pace: rate === null ? null : paceOf(rate.perSecond, rate.burst),
  index,
})
