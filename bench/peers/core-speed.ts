/** How fast the core of servers is, at any moment, by a probe that runs on it (speed-probe.ts). */

import { fileURLToPath } from 'node:url'
import { end, start, until } from '../measure/processes.ts'
import { quantileOf } from '../measure/statistics.ts'

const SPEED_PROBE = fileURLToPath(new URL('./speed-probe.ts', import.meta.url))
const FIRST_MS_MAX = 20_000
/** How far back "now" reaches, and how many runs of the probe there must be in it at first. */
const NOW_MS = 1_000
const FIRST_RUNS = 8

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

/** Rows a second of CPU; times are milliseconds since 1970. All throw where nothing was seen. */
export interface CoreSpeed {
  /** The mean of the last second. */
  now(): number
  meanBetween(fromMs: number, toMs: number): number
  /** The tenth part of the time in which it was slowest was so slow, or slower. */
  lowBetween(fromMs: number, toMs: number): number
  stop(): Promise<void>
}

const seenBetween = (samples: readonly SpeedSample[], fromMs: number, toMs: number): number[] => {
  const seen = samples.filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
  if (seen.length === 0) throw new Error('The probe of the core saw nothing in that time')
  return seen.map(({ rowsPerSecond }) => rowsPerSecond)
}

export const meanSpeedBetween = (
  samples: readonly SpeedSample[],
  fromMs: number,
  toMs: number,
): number => {
  const seen = seenBetween(samples, fromMs, toMs)
  return seen.reduce((sum, one) => sum + one, 0) / seen.length
}

export const lowSpeedBetween = (
  samples: readonly SpeedSample[],
  fromMs: number,
  toMs: number,
): number => quantileOf(seenBetween(samples, fromMs, toMs), 0.1)

/** Runs some rows of the model on the core of servers every 100 ms, until it is stopped. */
export const probeCoreSpeed = async ({ file, width }: ProbedModel): Promise<CoreSpeed> => {
  const child = start([process.execPath, SPEED_PROBE, file, `${width}`], { core: 'server' })
  const samples: SpeedSample[] = []
  let rest = ''
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    samples.push(...lines.map((line) => JSON.parse(line) as SpeedSample))
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await until('the speed of the core', FIRST_MS_MAX, () => {
    if (child.exitCode !== null) throw new Error(`The probe ended with ${child.exitCode}\n${said}`)
    return samples.length >= FIRST_RUNS
  })
  return {
    now: () => meanSpeedBetween(samples, Date.now() - NOW_MS, Number.POSITIVE_INFINITY),
    meanBetween: (fromMs, toMs) => meanSpeedBetween(samples, fromMs, toMs),
    lowBetween: (fromMs, toMs) => lowSpeedBetween(samples, fromMs, toMs),
    stop: () => end(child, 'SIGKILL'),
  }
}
