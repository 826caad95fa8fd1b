/** What became of the requests of an open loop, counted. Pure. */

import { quantileOf } from '../measure/statistics.ts'
import type { Bin, Latencies, StreamPlan, StreamResult } from './open-plan.ts'

/** Milliseconds from the start; NaN for what did not happen. */
export interface Sent {
  readonly dueMs: number
  sentMs: number
  answeredMs: number
  /** 0: no answer; -1: the connection broke. */
  status: number
}

export const latenciesOf = (values: readonly number[]): Latencies =>
  values.length === 0
    ? { p50: 0, p99: 0, highest: 0 }
    : {
        p50: quantileOf(values, 0.5),
        p99: quantileOf(values, 0.99),
        highest: quantileOf(values, 1),
      }

const isRefused = ({ status }: Sent): boolean => status === 503 || status === 429

const waitMs = ({ dueMs, answeredMs }: Sent): number => answeredMs - dueMs

/** Of a stream. `seconds`: how long requests were due. */
export const streamResult = (
  { name, deadlineMs }: StreamPlan,
  all: readonly Sent[],
  seconds: number,
  binMs: number,
): StreamResult => {
  const isGood = (one: Sent): boolean => one.status === 200 && waitMs(one) <= deadlineMs
  const count = Math.max(1, Math.ceil((seconds * 1000) / binMs))
  const bins = Array.from({ length: count }, () => ({ due: 0, dueGood: 0, good: 0 }))
  const binAt = (ms: number): { -readonly [K in keyof Bin]: number } | undefined =>
    bins[Math.floor(ms / binMs)]
  for (const one of all) {
    const dueBin = binAt(one.dueMs)
    if (dueBin !== undefined) dueBin.due++
    if (!isGood(one)) continue
    if (dueBin !== undefined) dueBin.dueGood++
    const bin = binAt(one.answeredMs)
    if (bin !== undefined) bin.good++
  }
  const good = all.filter(isGood)
  const refused = all.filter(isRefused)
  const missed = all.filter(({ sentMs }) => Number.isNaN(sentMs)).length
  const late = all.filter(
    (one) =>
      !Number.isNaN(one.sentMs) && (one.status === 0 || (one.status === 200 && !isGood(one))),
  ).length
  return {
    name,
    due: all.length,
    good: good.length,
    late,
    refused: refused.length,
    missed,
    failed: all.length - good.length - refused.length - missed - late,
    goodMs: latenciesOf(good.map(waitMs)),
    refusedMs: latenciesOf(refused.map(waitMs)),
    bins,
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0)

/**
 * Good answers a second that came between two moments. By when they came, not by when they were
 * due: what is still under way at the end would make a short look at an overload too kind.
 */
export const goodPerSecond = (
  bins: readonly Bin[],
  binMs: number,
  [fromMs, toMs]: readonly [number, number],
): number => {
  const inside = bins.slice(Math.ceil(fromMs / binMs), Math.floor(toMs / binMs))
  if (inside.length === 0) throw new RangeError(`No bin of ${binMs} ms in ${fromMs}-${toMs} ms`)
  return (sum(inside.map(({ good }) => good)) * 1000) / (inside.length * binMs)
}

/** Requests that were due between two moments. */
export const dueBetween = (
  bins: readonly Bin[],
  binMs: number,
  [fromMs, toMs]: readonly [number, number],
): number =>
  sum(bins.slice(Math.ceil(fromMs / binMs), Math.floor(toMs / binMs)).map(({ due }) => due))

/** Share of the requests due between two moments that were answered well; 1 if none was due. */
export const goodShare = (
  bins: readonly Bin[],
  binMs: number,
  [fromMs, toMs]: readonly [number, number],
): number => {
  const inside = bins.slice(Math.ceil(fromMs / binMs), Math.floor(toMs / binMs))
  const due = dueBetween(bins, binMs, [fromMs, toMs])
  return due === 0 ? 1 : sum(inside.map((bin) => bin.dueGood)) / due
}

/**
 * Milliseconds from `endMs`, when the overload ended, until requests are answered as before: the
 * smallest multiple of `binMs` from which on, for `spanMs`, the share of good answers is at least
 * `share`. Infinity when that is never so.
 */
export const recoveryMs = (
  bins: readonly Bin[],
  binMs: number,
  { endMs, spanMs, share }: { endMs: number; spanMs: number; share: number },
): number => {
  const lastMs = bins.length * binMs - spanMs
  for (let fromMs = endMs; fromMs <= lastMs; fromMs += binMs) {
    if (goodShare(bins, binMs, [fromMs, fromMs + spanMs]) >= share) return fromMs - endMs
  }
  return Number.POSITIVE_INFINITY
}
