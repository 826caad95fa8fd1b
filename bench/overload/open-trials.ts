/**
 * Open loops against a model of 1 ms a row: at levels of load, through an overload, by priority.
 */

import type { RequestForm } from '../fixtures.ts'
import type { Phase } from '../load/arrivals.ts'
import type { Target } from '../load/load.ts'
import type { OpenPlan, OpenResult, StreamResult } from '../load/open-plan.ts'
import { dueBetween, goodPerSecond, goodShare, recoveryMs } from '../load/open-tally.ts'
import { runOpenLoop } from '../load/run-load.ts'
import { until } from '../measure/processes.ts'
import type { CoreSpeed } from '../peers/core-speed.ts'
import type { Server } from '../servers/server.ts'
import type { SluiceServer } from '../servers/sluice.ts'
import { DEADLINE_MS, formOf } from './world.ts'

export const BIN_MS = 50
/** Until a load has settled. */
const SETTLE_MS = 250
/** Enough for all that wait for an answer at once when refusals come at once. */
const CONNECTIONS = 1_000
/** Clients of the server that refuses nobody: they all wait. */
const CONTROL_CONNECTIONS = 2_000
const IDLE_MS_MAX = 60_000

export const targetOf = ({ port }: Server, { path, body, headers }: RequestForm): Target => ({
  ...{ port, path, body, headers },
})

/** Until an answer comes at once: nothing of what was asked before is waiting any more. */
export const untilIdle = (server: Server, model: string): Promise<void> => {
  const { path, body } = formOf(model)
  return until('an empty queue', IDLE_MS_MAX, async () => {
    const sinceMs = performance.now()
    const headers = { 'content-type': 'application/json' }
    const url = `http://127.0.0.1:${server.port}${path}`
    const response = await fetch(url, { method: 'POST', headers, body })
    await response.arrayBuffer()
    return response.status === 200 && performance.now() - sinceMs < DEADLINE_MS
  })
}

/** A model under load, with the deadline or, to see what that is worth, without. */
export interface Subject {
  readonly name: string
  readonly server: SluiceServer
  readonly model: string
  readonly isControl: boolean
}

/** How a trial is run. */
export interface TrialTerms {
  /** Rows a second that the core would have run in the last second: more cannot be served. */
  readonly capacity: number
  readonly seconds: number
  readonly seed: number
}

const run = async (subject: Subject, streams: OpenPlan['streams'], seed: number) => {
  await untilIdle(subject.server, subject.model)
  const connections = subject.isControl ? CONTROL_CONNECTIONS : CONNECTIONS
  return runOpenLoop({ streams, connections, seed, binMs: BIN_MS })
}

const streamOf = (subject: Subject, phases: readonly Phase[]) => ({
  name: subject.name,
  target: targetOf(
    subject.server,
    formOf(subject.model, subject.isControl ? {} : { deadlineMs: DEADLINE_MS }),
  ),
  phases,
  deadlineMs: DEADLINE_MS,
})

export interface LevelTrial extends Omit<StreamResult, 'bins'> {
  /** Times the capacity. */
  readonly load: number
  readonly goodPerSecond: number
  /** Rows a second of CPU of a plain loop on the same core, meanwhile. */
  readonly loopPerSecond: number
  readonly lagMs: OpenResult['lagMs']
  readonly firstFailure: string | null
}

export const runLevel = async (
  subject: Subject,
  load: number,
  { capacity, seconds, seed }: TrialTerms,
  core: CoreSpeed,
): Promise<LevelTrial> => {
  const phases = [{ seconds, perSecond: load * capacity }]
  const { streams, lagMs, firstFailure, startedAtMs } = await run(
    subject,
    [streamOf(subject, phases)],
    seed,
  )
  const loopPerSecond = core.meanBetween(startedAtMs + SETTLE_MS, startedAtMs + seconds * 1000)
  const { bins, ...rest } = streams[0]!
  const rate = goodPerSecond(bins, BIN_MS, [SETTLE_MS, seconds * 1000])
  return { ...rest, load, goodPerSecond: rate, loopPerSecond, lagMs, firstFailure }
}

export interface RecoveryTrial {
  readonly name: string
  /** Good answers a second, one number for each bin. */
  readonly goodPerSecond: readonly number[]
  readonly binMs: number
  readonly overloadMs: readonly [from: number, to: number]
  /** From the end of the overload to full goodput; null: never while anybody looked. */
  readonly recoveryMs: number | null
  /** The same of trials before it in which the core became too slow for the usual load. */
  readonly discarded: readonly (number | null)[]
}

/** The core is a third slower for seconds on end at times, and full goodput must stay possible. */
const USUAL = 0.5
/** Of what the core does, the usual load may be so much: above, nobody could serve all of it. */
const STEADY_SHARE_MAX = 0.8
const DISCARDED_MAX = 4
const OVERLOAD = 10
const SHARE_OF_BEFORE = 0.99
/** Below, there was nothing before that it could come back to. */
const SERVED_SHARE_MIN = 0.9

/**
 * Half of the capacity, then ten times, then half again. Once more where the probe saw the core so
 * slow meanwhile that half of what it had been was more than it could do, whatever came of it.
 */
export const runRecovery = async (
  subject: Subject,
  terms: () => TrialTerms,
  core: CoreSpeed,
): Promise<RecoveryTrial> => {
  const discarded: (number | null)[] = []
  for (;;) {
    const given = terms()
    const { startedAtMs, ...trial } = await recoverOnce(subject, given)
    const [fromMs, toMs] = trial.overloadMs
    const endMs = trial.goodPerSecond.length * BIN_MS
    const low = Math.min(
      core.lowBetween(startedAtMs, startedAtMs + fromMs),
      core.lowBetween(startedAtMs + toMs, startedAtMs + endMs),
    )
    const isSteady = USUAL * given.capacity <= STEADY_SHARE_MAX * low
    if (isSteady || discarded.length === DISCARDED_MAX) return { ...trial, discarded }
    discarded.push(trial.recoveryMs)
  }
}

const recoverOnce = async (
  subject: Subject,
  { capacity, seconds, seed }: TrialTerms,
): Promise<Omit<RecoveryTrial, 'discarded'> & { readonly startedAtMs: number }> => {
  const phases = [
    { seconds, perSecond: USUAL * capacity },
    { seconds, perSecond: OVERLOAD * capacity },
    { seconds: 2 * seconds, perSecond: USUAL * capacity },
  ]
  const { streams, startedAtMs } = await run(subject, [streamOf(subject, phases)], seed)
  const { bins } = streams[0]!
  const [fromMs, endMs] = [seconds * 1000, 2 * seconds * 1000]
  const before = goodShare(bins, BIN_MS, [Math.min(SETTLE_MS, fromMs / 2), fromMs])
  const share = SHARE_OF_BEFORE * before
  const tookMs =
    before < SERVED_SHARE_MIN
      ? Number.POSITIVE_INFINITY
      : recoveryMs(bins, BIN_MS, { endMs, spanMs: seconds * 1000, share })
  return {
    startedAtMs,
    name: subject.name,
    goodPerSecond: bins.map(({ good }) => (good * 1000) / BIN_MS),
    binMs: BIN_MS,
    overloadMs: [fromMs, endMs],
    recoveryMs: Number.isFinite(tookMs) ? tookMs : null,
  }
}

const HIGH_SHARE = 0.3
const LOW_SHARE = 0.4
const SPIKE = 12

export interface SpikeTrial {
  /** Shares of good answers while the spike lasts. */
  readonly high: number
  readonly low: number
  readonly highDue: number
  readonly highMs: StreamResult['goodMs']
}

/**
 * Requests of low priority become twelve times as many; those of high priority stay as they are.
 */
export const runSpike = async (
  subject: Subject,
  { capacity, seconds, seed }: TrialTerms,
): Promise<SpikeTrial> => {
  const quietSeconds = 1
  const stream = (name: string, priority: number, phases: readonly Phase[]) => ({
    name,
    target: targetOf(subject.server, formOf(subject.model, { priority, deadlineMs: DEADLINE_MS })),
    phases,
    deadlineMs: DEADLINE_MS,
  })
  const all = quietSeconds + seconds
  const low = LOW_SHARE * capacity
  const { streams } = await run(
    subject,
    [
      stream('high', 1, [{ seconds: all, perSecond: HIGH_SHARE * capacity }]),
      stream('low', 2, [
        { seconds: quietSeconds, perSecond: low },
        { seconds, perSecond: SPIKE * low },
      ]),
    ],
    seed,
  )
  const span = [quietSeconds * 1000, all * 1000] as const
  const [highResult, lowResult] = streams as [StreamResult, StreamResult]
  return {
    high: goodShare(highResult.bins, BIN_MS, span),
    low: goodShare(lowResult.bins, BIN_MS, span),
    highDue: dueBetween(highResult.bins, BIN_MS, span),
    highMs: highResult.goodMs,
  }
}
