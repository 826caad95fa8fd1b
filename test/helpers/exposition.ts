/** Reads the Prometheus text format back, strictly: a line it does not know fails the test. */

export interface Exposition {
  /** By name of the family. */
  readonly types: ReadonlyMap<string, string>
  /** Values by series, as it is written: `name{label="value"}`. */
  readonly series: ReadonlyMap<string, number>
}

const SAMPLE = /^([a-zA-Z_:][\w:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*\})?) (\S+)$/

export const parseExposition = (text: string): Exposition => {
  const types = new Map<string, string>()
  const series = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line === '# EOF' || /^# HELP \S+ \S/.test(line)) continue
    const type = /^# TYPE (\S+) (counter|gauge|histogram|unknown)$/.exec(line)
    if (type !== null) {
      types.set(type[1]!, type[2]!)
      continue
    }
    const sample = SAMPLE.exec(line)
    const value = Number(sample?.[2])
    if (sample === null || Number.isNaN(value)) throw new Error(`Not a sample: ${line}`)
    if (series.has(sample[1]!)) throw new Error(`Twice on one page: ${sample[1]}`)
    series.set(sample[1]!, value)
  }
  return { types, series }
}

/** Name of the metric of a series, without labels. */
export const nameOf = (series: string): string => series.split('{')[0]!

/** Labels of a series as they are written, escapes and all. */
export const labelsOf = (series: string): ReadonlyMap<string, string> =>
  // Read pair by pair, so that a value which looks like a pair is none.
  new Map(
    [...series.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(
      ([, name, value]) => [name!, value!] as const,
    ),
  )
