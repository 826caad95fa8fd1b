/** The picture of the overload: goodput by load, and before, in and behind an overload. Pure. */

import { type Chart, drawCharts, type Series } from '../measure/chart.ts'
import { spreadOf } from '../measure/statistics.ts'
import { CONTROL, goodOfLoop, type Measured, namesOf } from './findings.ts'
import type { LevelTrial } from './open-trials.ts'

const SHARE_TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1]
const LOAD_TICKS = [0.8, 1, 2, 5, 10]
/** Bins that are drawn as one point: what a single one holds is mostly chance. */
const BINS_PER_POINT = 4

const titleOf = (name: string): string =>
  name === CONTROL ? 'no shedding: no deadlines, no bounds' : `Sluice, model placed ${name}`

/** Means of `size` values that follow one another. */
export const smoothed = (values: readonly number[], size: number): number[] =>
  Array.from({ length: Math.floor(values.length / size) }, (_, i) => {
    const some = values.slice(i * size, (i + 1) * size)
    return some.reduce((sum, one) => sum + one, 0) / size
  })

/** Medians by load. */
const pointsOf = (trials: readonly LevelTrial[]): [load: number, share: number][] =>
  [...new Set(trials.map(({ load }) => load))].map((load) => {
    const shares = trials.filter((trial) => trial.load === load).map(goodOfLoop)
    return [load, spreadOf(shares).median]
  })

const levelChart = ({ levels }: Measured, names: readonly string[]): Chart => ({
  title: 'Goodput by load, 50 ms deadline, 1 ms a row',
  x: { label: 'requests, times the rows of a plain loop', ticks: LOAD_TICKS, isLogarithmic: true },
  y: { label: 'good answers / rows of a plain loop', ticks: SHARE_TICKS },
  series: names.map((name) => ({
    name: titleOf(name),
    points: pointsOf(levels.filter((trial) => trial.name === name)),
    hasDots: true,
  })),
})

const recoveryChart = ({ recoveries }: Measured, names: readonly string[]): Chart => {
  const { overloadMs, binMs, goodPerSecond } = recoveries[0]!
  const lastSeconds = Math.round((goodPerSecond.length * binMs) / 1000)
  const series = names.map((name): Series => {
    const trial = recoveries.find((one) => one.name === name)
    const rates = smoothed(trial?.goodPerSecond ?? [], BINS_PER_POINT)
    const pointMs = binMs * BINS_PER_POINT
    return {
      name: titleOf(name),
      points: rates.map((rate, i) => [((i + 0.5) * pointMs) / 1000, rate]),
    }
  })
  const highest = spreadOf(series.flatMap(({ points }) => points.map(([, rate]) => rate))).highest
  const step = Math.max(100, Math.ceil(highest / 500) * 100)
  return {
    title: 'Ten times the capacity, and what follows',
    x: { label: 'seconds', ticks: Array.from({ length: lastSeconds + 1 }, (_, i) => i) },
    y: { label: 'good answers a second', ticks: Array.from({ length: 7 }, (_, i) => i * step) },
    series,
    band: { from: overloadMs[0] / 1000, to: overloadMs[1] / 1000, label: '10 times' },
  }
}

export const drawOverload = (measured: Measured): string => {
  const names = namesOf(measured.levels)
  return drawCharts('Goodput of Sluice under overload, beside the same without shedding', [
    levelChart(measured, names),
    recoveryChart(measured, names),
  ])
}
