/** How long a request may wait, and on which level: from its head, its body and its version. */

import type { Queued } from '../runtime/row-queue.ts'
import { type Refusal, refuse } from '../shared/errors.ts'
import type { QueuePolicies } from '../shared/queue-policy.ts'
import type { Exchange } from './exchange.ts'
import type { Pending } from './pending.ts'
import type { Decoded } from './protocols/protocol.ts'
import { GRPC, OIP, type WireFormat } from './wire-formats.ts'

/** Of most requests. An object of its own would cost two boxed numbers for each. */
export const NO_TERMS: Queued = { priority: 0, deadlineMs: Infinity, timeoutMs: Infinity }

/** `limits.timeout_ms_default` (0: none) and `_max`. */
export interface TimeoutLimits {
  readonly timeoutMsDefault: number
  readonly timeoutMsMax: number
}

/**
 * Share of what a client grants that is kept for the way of the answer, up to 5 ms. A queue that
 * fills its deadlines would else answer the last ones just too late, and has run them for nothing:
 * of 1 ms a row within 50 ms, at 5 times the capacity, 4 % with 2.5 ms kept and 1 % with 5.
 */
const ANSWER_SHARE = 0.1
const ANSWER_MS_MAX = 5

const MILLISECONDS = /^[0-9]{1,12}(\.[0-9]{1,6})?$/

/**
 * Milliseconds that a client grants, by `x-sluice-timeout-ms` as sent, from the moment at which its
 * request was here; Infinity: as many as it takes. With 0 it is refused like any that is late.
 */
export const admitTimeout = (
  sent: string,
  { timeoutMsDefault, timeoutMsMax }: TimeoutLimits,
): number | Refusal => {
  if (sent === '') return timeoutMsDefault > 0 ? timeoutMsDefault : Infinity
  if (MILLISECONDS.test(sent)) return Math.min(Number(sent), timeoutMsMax)
  const got = sent.slice(0, 32).toWellFormed()
  const wanted = 'x-sluice-timeout-ms must be a number of milliseconds'
  return refuse('REQUEST_MALFORMED', `${wanted}, such as 250, got: ${got}`)
}

/** Whether bodies of a format may say how their requests wait. */
const mayAsk = (format: WireFormat): boolean => format === OIP || format === GRPC

/** What an OIP request may say of its waiting; 0 where it says nothing. */
interface AskedTerms extends Pick<Decoded, 'askedPriority' | 'askedTimeoutUs'> {
  readonly exchange: Pick<Exchange, 'startedMs' | 'grant'>
}

/**
 * As Triton: a level that does not exist is the default one, and `timeout` shortens the default of
 * the level, if that has one and lets it be overridden. A key may have a level of its own, which a
 * request can leave for lower ones. `policies`: null for a version that grants everybody the same.
 */
export const termsOf = (
  policies: QueuePolicies | null,
  { askedPriority, askedTimeoutUs, exchange }: AskedTerms,
  deadlineMs: number,
): Queued => {
  if (policies === null) return { priority: 0, deadlineMs, timeoutMs: Infinity }
  const { base, byLevel } = policies
  const level = levelOf(policies, askedPriority, exchange.grant?.priority ?? 0)
  const { defaultTimeoutUs, allowTimeoutOverride } = byLevel[level] ?? base
  const isShorter = askedTimeoutUs > 0 && askedTimeoutUs < defaultTimeoutUs
  const grantedUs = allowTimeoutOverride && isShorter ? askedTimeoutUs : defaultTimeoutUs
  const timeoutMs = grantedUs === 0 ? Infinity : exchange.startedMs + grantedUs / 1000
  return { priority: level, deadlineMs, timeoutMs }
}

/** `best`: of the key; 0: none. */
const levelOf = ({ levels, defaultLevel }: QueuePolicies, asked: number, best: number): number => {
  if (levels === 0) return 0
  if (asked >= 1 && asked <= levels) return Math.min(Math.max(asked, best), levels)
  return best > 0 ? Math.min(best, levels) : defaultLevel
}

/** The policies, where requests differ by them; else null. */
export const termPolicies = (policies: QueuePolicies): QueuePolicies | null =>
  policies.levels > 0 || policies.base.defaultTimeoutUs > 0 ? policies : null

/** What a request may still ask for whose body was not read. */
const BEST = { askedPriority: 1, askedTimeoutUs: 0 }

/**
 * What the head and the version say of the waiting; nearly always nothing. Whoever may name a level
 * in its body is on the best one until that is read.
 */
export const takeTerms = (
  pending: Pending,
  policies: QueuePolicies | null,
  limits: TimeoutLimits,
): Refusal | null => {
  const { timeout, startedMs } = pending.exchange
  if (timeout === '' && limits.timeoutMsDefault === 0 && policies === null) return null
  const grantedMs = admitTimeout(timeout, limits)
  if (typeof grantedMs === 'object') return grantedMs
  const isBest = policies !== null && mayAsk(pending.format)
  const asked = isBest ? { ...BEST, exchange: pending.exchange } : pending
  const answerMs = Math.min(grantedMs * ANSWER_SHARE, ANSWER_MS_MAX)
  pending.terms = termsOf(policies, asked, startedMs + grantedMs - answerMs)
  return null
}

/**
 * Whether its body may put a request on a lower level that has room where the best one has none:
 * only so, if that one bounds its requests. What waits there in rows and work is ahead of all.
 */
export const mayMove = ({ format, priority }: Pending, policies: QueuePolicies | null): boolean => {
  if (policies === null || policies.levels < 2 || !mayAsk(format)) return false
  return (policies.byLevel[priority] ?? policies.base).requestsMax > 0
}

/** What `takeTerms` took, once the body is read: what it says counts. */
export const takeAskedTerms = (pending: Pending, policies: QueuePolicies): void => {
  pending.terms = termsOf(policies, pending, pending.deadlineMs)
}
