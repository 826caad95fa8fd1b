/** Samples of metrics, before they are text. */

import type { MetricName } from './metric-table.ts'

export type Labels = Readonly<Record<string, string | number>>

export interface Sample {
  readonly metric: MetricName
  readonly labels: Labels
  readonly value: number
  /** What follows the name of a histogram. */
  readonly suffix?: '_bucket' | '_sum' | '_count'
}

export const sample = (metric: MetricName, value: number, labels: Labels = {}): Sample => ({
  metric,
  labels,
  value,
})

/**
 * The series of one histogram: a bucket per bound and one for `+Inf`, sum and count.
 *
 * @param bounds upper bounds in the unit of the metric, ascending, without infinity
 * @param cumulative observations up to each bound
 */
export const histogram = (
  metric: MetricName,
  labels: Labels,
  bounds: readonly number[],
  cumulative: readonly number[],
  { count, sum }: { count: number; sum: number },
): Sample[] => {
  const bucket = (le: number | string, value: number): Sample => ({
    metric,
    labels: { ...labels, le },
    value,
    suffix: '_bucket',
  })
  return [
    ...bounds.map((bound, i) => bucket(bound, cumulative[i]!)),
    bucket('+Inf', count),
    { metric, labels, value: sum, suffix: '_sum' },
    { metric, labels, value: count, suffix: '_count' },
  ]
}
