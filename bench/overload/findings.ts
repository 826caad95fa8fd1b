/** What the rounds of the overload say: goodput by load, and whether the gates hold. Pure. */

import { atLeast, atMost, type Gate } from '../measure/gate.ts'
import { spreadOf } from '../measure/statistics.ts'
import type { CappedTrial, GoodAnswers } from './capped.ts'
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

/** Good answers over the rows of a plain loop: the speed of the core changes meanwhile. */
export const goodOfLoop = ({
  goodPerSecond,
  loopPerSecond,
}: Pick<LevelTrial, 'goodPerSecond' | 'loopPerSecond'>): number => goodPerSecond / loopPerSecond

const sharesByLevel = (levels: readonly LevelTrial[], name: string): Map<number, number> =>
  sharesOfPeak(
    levels.filter((trial) => trial.name === name),
    goodOfLoop,
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

/** Good answers a second with a crowd, against a trial without one right before. */
const cappedGates = (capped: readonly CappedTrial[]): Gate[] =>
  KINDS.flatMap((kind) =>
    crowdsOf(capped).map((load) => {
      const pairs = capped.filter((trial) => trial.load === load).map((trial) => trial[kind])
      const shares = pairs.map(({ alone, crowd }) => goodOfLoop(crowd) / goodOfLoop(alone))
      const name = `tiny model, ${kind} connections x${load}: goodput with a crowd / without`
      return atLeast(name, spreadOf(shares).median, WANTED_CAPPED_SHARE)
    }),
  )

const crowdsOf = (capped: readonly CappedTrial[]): number[] => [
  ...new Set(capped.map(({ load }) => load)),
]

const levelLine = (levels: readonly LevelTrial[], name: string): string => {
  const shares = [...sharesByLevel(levels, name)]
  const of = (load: number) => levels.filter((trial) => trial.name === name && trial.load === load)
  const cells = shares.map(([load, share]) => {
    const { median, lowest, highest } = spreadOf(of(load).map((trial) => trial.goodPerSecond))
    const range = `${lowest.toFixed(0)}-${highest.toFixed(0)}`
    const ofLoop = spreadOf(of(load).map(goodOfLoop)).median.toFixed(2)
    return `x${load} ${median.toFixed(0)}/s (${range}), ${ofLoop} of the loop, ${share.toFixed(3)} of the peak`
  })
  return `goodput, ${name}: ${cells.join(', ')}`
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`

const cappedLines = (capped: readonly CappedTrial[], kind: (typeof KINDS)[number]): string[] =>
  crowdsOf(capped).map((load) => {
    const pairs = capped.filter((trial) => trial.load === load).map((trial) => trial[kind])
    const cells = (['alone', 'crowd'] as const).map((which) => {
      const all = pairs.map((pair) => pair[which])
      const of = (value: (one: GoodAnswers) => number) => spreadOf(all.map(value)).median
      const busy = `cores busy ${percent(of((one) => one.serverBusy))} and ${percent(of((one) => one.loadBusy))}`
      return `${of((one) => one.goodPerSecond).toFixed(0)}/s, ${of((one) => one.cpuUs).toFixed(1)} us each, ${busy}`
    })
    return `tiny model, ${kind} connections: ${cells[0]}; with a crowd x${load} ${cells[1]}`
  })

const lagLine = (levels: readonly LevelTrial[]): string => {
  const p99 = spreadOf(levels.map(({ lagMs }) => lagMs.p99))
  const highest = spreadOf(levels.map(({ lagMs }) => lagMs.highest)).highest
  return `the generator sent late by ${p99.median.toFixed(2)} ms at p99 (worst trial ${p99.highest.toFixed(2)}), ${highest.toFixed(1)} ms at most`
}

const discardedLine = (recoveries: readonly RecoveryTrial[]): string => {
  const all = recoveries.flatMap(({ name, discarded }) =>
    discarded.map((ms) => `${name} ${ms === null ? 'never' : `${ms} ms`}`),
  )
  return `recoveries run again since the core became too slow: ${all.join(', ') || 'none'}`
}

export interface Findings {
  readonly gates: readonly Gate[]
  readonly lines: readonly string[]
}

export const findingsOf = ({ levels, recoveries, spikes, capped }: Measured): Findings => {
  const ours = namesOf(levels).filter((name) => name !== CONTROL)
  const unsent = levels.filter(({ name }) => name !== CONTROL).reduce((sum, t) => sum + t.missed, 0)
  return {
    gates: [
      ...ours.flatMap((name) => levelGates(levels, name)),
      ...ours.map((name) => recoveryGate(recoveries, name)),
      spikeGate(spikes),
      ...cappedGates(capped),
    ],
    lines: [
      ...namesOf(levels).map((name) => levelLine(levels, name)),
      ...KINDS.flatMap((kind) => cappedLines(capped, kind)),
      lagLine(levels),
      discardedLine(recoveries),
      `requests of ours that found no connection, and count as missed: ${unsent}`,
    ],
  }
}
