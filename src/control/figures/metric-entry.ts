/** How a metric is described. */

export interface MetricEntry {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
}

export const entry = (
  name: string,
  type: MetricEntry['type'],
  labels: readonly string[],
  help: string,
): MetricEntry => ({ name, type, help, labels })
