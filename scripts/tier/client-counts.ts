/** How a suite of a foreign client ended, on one line: written by tests, shown by tiers. */

export interface ClientCounts {
  readonly client: string
  readonly version: string
  /** What answered: `uws` or `node`, the engines of HTTP, or `grpc`. */
  readonly engine: string
  readonly passed: number
  readonly expectedFailures: number
}

/** `tritonclient 2.73.0, uws: 120 passed, 3 expected failures`. */
export const countsLine = (counts: ClientCounts): string => {
  const { client, version, engine, passed, expectedFailures } = counts
  return `${client} ${version}, ${engine}: ${passed} passed, ${expectedFailures} expected failures`
}

const COUNTS_LINE = /^[\w-]+ \d[\w.]*, (uws|node|grpc): \d+ passed, \d+ expected failures$/

/** Those lines of what a step has printed. */
export const countsLinesIn = (output: string): readonly string[] =>
  output.split('\n').filter((line) => COUNTS_LINE.test(line))
