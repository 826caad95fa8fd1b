/** Which format a scrape asks for (RFC 9110 §12.5.1, as far as two formats need it). */

import type { MetricsFormat } from './metrics.ts'

interface Range {
  readonly type: string
  readonly version: string | undefined
  readonly quality: number
}

const ranges = (accept: string): Range[] =>
  accept.split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const values = new Map(parameters.map((parameter) => parameter.split('=') as [string, string]))
    const quality = Number(values.get('q') ?? 1)
    return { type, version: values.get('version'), quality: Number.isNaN(quality) ? 0 : quality }
  })

const best = (qualities: readonly number[]): number => Math.max(0, ...qualities)

/**
 * OpenMetrics 1.0.0 when it is named and liked at least as much as plain text; else text, which
 * everybody reads.
 */
export const metricsFormat = (accept: string | undefined): MetricsFormat => {
  const all = ranges(accept ?? '')
  const openmetrics = all.filter(
    ({ type, version }) =>
      type === 'application/openmetrics-text' && (version ?? '1.0.0') === '1.0.0',
  )
  const text = all.filter(({ type }) => type === 'text/plain')
  const wanted = best(openmetrics.map(({ quality }) => quality))
  return wanted > 0 && wanted >= best(text.map(({ quality }) => quality)) ? 'openmetrics' : 'text'
}
