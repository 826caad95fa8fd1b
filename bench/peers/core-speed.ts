/** How fast the core of servers is, at any moment, by a probe that runs on it (speed-probe.ts). */

import { fileURLToPath } from 'node:url'
import { end, start, until } from '../measure/processes.ts'
import { quantileOf } from '../measure/statistics.ts'

const SPEED_PROBE = fileURLToPath(new URL('./speed-probe.ts', import.meta.url))
const FIRST_MS_MAX = 20_000
/** How far back "now" reaches. */
const NOW_MS = 1_000

export interface SpeedSample {
  /** Milliseconds since 1970. */
  readonly atMs: number
  readonly rowsPerSecond: number
}

export interface ProbedModel {
  readonly file: string
  /** Numbers of a row. */
  readonly width: number
}

export interface CoreSpeed {
  /** Rows a second of CPU, the mean of the last second. */
  now(): number
  /** Gives the mean from now until it is called. */
  watch(): () => number
  /** Gives the lowest tenth of what was seen from now until it is called. */
  watchLow(): () => number
  stop(): Promise<void>
}

/** The mean of what was seen from a moment on; NaN: nothing was. */
export const meanSpeedSince = (samples: readonly SpeedSample[], sinceMs: number): number => {
  const seen = samples.filter(({ atMs }) => atMs >= sinceMs)
  return seen.reduce((sum, { rowsPerSecond }) => sum + rowsPerSecond, 0) / seen.length
}

/** What a tenth of all that was seen from a moment on does not reach. */
export const lowSpeedSince = (samples: readonly SpeedSample[], sinceMs: number): number => {
  const seen = samples.filter(({ atMs }) => atMs >= sinceMs)
  return quantileOf(
    seen.map(({ rowsPerSecond }) => rowsPerSecond),
    0.1,
  )
}

/** Runs some rows of the model on the core of servers every 100 ms, until it is stopped. */
export const probeCoreSpeed = async ({ file, width }: ProbedModel): Promise<CoreSpeed> => {
  const child = start([process.execPath, SPEED_PROBE, file, `${width}`], { core: 'server' })
  const samples: SpeedSample[] = []
  let rest = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    samples.push(...lines.map((line) => JSON.parse(line) as SpeedSample))
  })
  const now = () => meanSpeedSince(samples, Date.now() - NOW_MS)
  await until('the speed of the core', FIRST_MS_MAX, () => {
    if (child.exitCode !== null) throw new Error(`The probe ended with ${child.exitCode}`)
    return samples.length >= NOW_MS / 100
  })
  return {
    now,
    watch: () => {
      const sinceMs = Date.now()
      return () => meanSpeedSince(samples, sinceMs)
    },
    watchLow: () => {
      const sinceMs = Date.now()
      return () => lowSpeedSince(samples, sinceMs)
    },
    stop: () => end(child, 'SIGKILL'),
  }
}
