/** The command line of all benchmarks. */

import { parseArgs } from 'node:util'

export interface BenchOptions {
  readonly what: string
  /** Regular expressions that select micro cases; none: all. */
  readonly patterns: readonly string[]
  /** Seconds in all instead of minutes: shows that it works, not how fast anything is. */
  readonly isTiny: boolean
  readonly rounds: number
  readonly seconds: number
  /** Where to write the result; null: nowhere. */
  readonly json: string | null
  /** Write CPU profiles: of each case (micro), of the thread of each server (grpc). */
  readonly isProfile: boolean
}

export const USAGE = `usage: npm run bench -- NAME [options] [pattern ...]
  NAME          http, grpc, micro, startup, recovery, overload, pooled, swaps, cancel,
                records, archive or gpu
  --tiny        a few seconds in all: shows that it works, enforces nothing
  --rounds N    interleaved rounds (7)
  --seconds S   length of one trial (2)
  --json FILE   write the result; a folder: into a file named by benchmark and date
  --profile     a CPU profile: micro: of each case; grpc: of each server, as a table too`

/** Throws a TypeError with one sentence when the command line makes no sense. */
export const parseOptions = (argv: readonly string[]): BenchOptions => {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      tiny: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'string' },
      profile: { type: 'boolean', default: false },
    },
  })
  const rounds = Number(values.rounds ?? (values.tiny ? 1 : 7))
  const seconds = Number(values.seconds ?? (values.tiny ? 1 : 2))
  if (!Number.isInteger(rounds) || rounds < 1) throw new TypeError('--rounds takes a count from 1')
  if (!(seconds > 0 && seconds <= 600)) throw new TypeError('--seconds takes 0 to 600')
  const [what = '', ...patterns] = positionals
  const { tiny: isTiny, profile: isProfile, json = null } = values
  return { what, patterns, isTiny, rounds, seconds, json, isProfile }
}
