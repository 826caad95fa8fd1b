/** What the rounds of the overload say: goodput by load, and whether the gates hold. Pure. */

import { atLeast, atMost, type Gate } from '../measure/gate.ts'
import { spreadOf } from '../measure/statistics.ts'
import type { CappedTrial } from './capped.ts'
import type { LevelTrial, RecoveryTrial, SpikeTrial } from './open-trials.ts'

export interface Measured {
  readonly levels: readonly LevelTrial[]
  readonly recoveries: readonly RecoveryTrial[]
  readonly spikes: readonly SpikeTrial[]
  readonly capped: readonly CappedTrial[]
}

export const CONTROL = 'no shedding'

/** Least shares of the peak, by times the capacity. */
const WANTED_SHARE: Readonly<Record<number, number>> = { 2: 0.97, 5: 0.93, 10: 0.88 }
const WANTED_CAPPED_SHARE = 0.9
/** A model that takes 1 ms a row is pooled, unless somebody pins it: its numbers are to be met. */
const DEFAULT = 'pooled'
const RECOVERY_MS_MAX = 1_000
const WANTED_HIGH_SHARE = 0.999

/** Medians of `value` over all trials of a load, as shares of the largest of them. */
export const sharesOfPeak = <Trial extends { readonly load: number }>(
  trials: readonly Trial[],
  value: (trial: Trial) => number,
): Map<number, number> => {
  const loads = [...new Set(trials.map(({ load }) => load))].sort((a, b) => a - b)
  const medians = loads.map(
    (load) => spreadOf(trials.filter((trial) => trial.load === load).map(value)).median,
  )
  const peak = Math.max(Number.MIN_VALUE, ...medians)
  return new Map(loads.map((load, i) => [load, medians[i]! / peak]))
}

export const namesOf = (trials: readonly { readonly name: string }[]): string[] => [
  ...new Set(trials.map(({ name }) => name)),
]

/** Goodput against its peak, each in rows of what a row cost in the same trial. */
export const sharesByLevel = (levels: readonly LevelTrial[], name: string): Map<number, number> =>
  sharesOfPeak(
    levels.filter((trial) => trial.name === name),
    (trial) => trial.usefulShare,
  )

const levelGates = (levels: readonly LevelTrial[], name: string): Gate[] =>
  [...sharesByLevel(levels, name)].flatMap(([load, share]) => {
    const wanted = WANTED_SHARE[load]
    return wanted === undefined ? [] : atLeast(`${name}: goodput x${load} / peak`, share, wanted)
  })

const recoveryGate = (recoveries: readonly RecoveryTrial[], name: string): Gate => {
  const ms = recoveries
    .filter((trial) => trial.name === name)
    .map((trial) => trial.recoveryMs ?? Number.POSITIVE_INFINITY)
  const what = `${name}: ms from the end of an overload to full goodput, longest`
  return atMost(what, spreadOf(ms).highest, RECOVERY_MS_MAX)
}

/** Of all rounds together: a thousandth cannot be seen in one. */
const spikeGate = (spikes: readonly SpikeTrial[]): Gate => {
  const due = spikes.reduce((sum, { highDue }) => sum + highDue, 0)
  const good = spikes.reduce((sum, { high, highDue }) => sum + high * highDue, 0)
  const name = 'share of high priority answered well under a 12-fold spike of low priority'
  return atLeast(name, good / due, WANTED_HIGH_SHARE)
}

const KINDS = ['kept', 'reconnecting'] as const

/**
 * By what a good answer costs: how many there are depends on a generator that is busy as well. Each
 * against the one of its round without a crowd, and the median of all: a trial alone scatters.
 */
const cappedGates = (capped: readonly CappedTrial[]): Gate[] =>
  KINDS.flatMap((kind) => {
    let aloneUs = Number.NaN
    const shares = capped.flatMap(({ load, [kind]: { cpuUs } }) => {
      if (load === 1) aloneUs = cpuUs
      return load === 1 ? [] : aloneUs / cpuUs
    })
    const name = `tiny model, ${kind} connections: goodput with a crowd / without`
    return shares.length === 0 ? [] : atLeast(name, spreadOf(shares).median, WANTED_CAPPED_SHARE)
  })

const levelLine = (levels: readonly LevelTrial[], name: string): string => {
  const shares = [...sharesByLevel(levels, name)]
  const of = (load: number) => levels.filter((trial) => trial.name === name && trial.load === load)
  const cells = shares.map(([load, share]) => {
    const { median, lowest, highest } = spreadOf(of(load).map((trial) => trial.goodPerSecond))
    const range = `${lowest.toFixed(0)}-${highest.toFixed(0)}`
    return `x${load} ${median.toFixed(0)}/s (${range}) ${share.toFixed(3)}`
  })
  return `goodput, ${name}: ${cells.join(', ')}`
}

const cappedLine = (capped: readonly CappedTrial[], kind: (typeof KINDS)[number]): string => {
  const loads = [...new Set(capped.map(({ load }) => load))]
  const cells = loads.map((load) => {
    const all = capped.filter((trial) => trial.load === load).map((trial) => trial[kind])
    const rate = spreadOf(all.map(({ perSecond }) => perSecond)).median
    const cpuUs = spreadOf(all.map((each) => each.cpuUs)).median
    return `x${load} ${rate.toFixed(0)}/s, ${cpuUs.toFixed(1)} us of CPU each`
  })
  return `tiny model, ${kind} connections, good answers: ${cells.join('; ')}`
}

const lagLine = (levels: readonly LevelTrial[]): string => {
  const p99 = spreadOf(levels.map(({ lagMs }) => lagMs.p99))
  const highest = spreadOf(levels.map(({ lagMs }) => lagMs.highest)).highest
  return `the generator sent late by ${p99.median.toFixed(2)} ms at p99 (worst trial ${p99.highest.toFixed(2)}), ${highest.toFixed(1)} ms at most`
}

export interface Findings {
  readonly gates: readonly Gate[]
  readonly lines: readonly string[]
}

export const findingsOf = ({ levels, recoveries, spikes, capped }: Measured): Findings => {
  const unsent = levels.filter(({ name }) => name !== CONTROL).reduce((sum, t) => sum + t.missed, 0)
  return {
    gates: [
      ...levelGates(levels, DEFAULT),
      recoveryGate(recoveries, DEFAULT),
      spikeGate(spikes),
      ...cappedGates(capped),
    ],
    lines: [
      ...namesOf(levels).map((name) => levelLine(levels, name)),
      ...KINDS.map((kind) => cappedLine(capped, kind)),
      lagLine(levels),
      `requests of ours that found no connection, and count as missed: ${unsent}`,
    ],
  }
}
