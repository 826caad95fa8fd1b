/**
 * A hundred versions, each proved, loaded and put in place of the one before, while as many
 * requests come as can be served: what clients notice, and what stays in memory.
 */

import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { JSON_HEADERS, ROW } from './fixtures.ts'
import { type RunningLoad, startGenerator } from './load/run-load.ts'
import { atMost, type Gate, printGates } from './measure/gate.ts'
import { slopeOf, spreadOf } from './measure/statistics.ts'
import type { BenchOptions } from './options.ts'
import { writeResult } from './result-file.ts'
import { SWAPPED_PATH, type SwappedModel, startSwapped } from './swaps/swapped-model.ts'

const SWAPS = 100
const SWAPS_TINY = 2
/** In one trial, one after the other. */
const SWAPS_A_TRIAL = 2
/** The load goes on for so long behind the last swap: what was before it is unloaded. */
const BEHIND_MS = 500
const SECONDS_MAX = 120
const CONNECTIONS = 16
const P99_TIMES_MAX = 1.5
const P99_MORE_MS_MAX = 2
const SLOPE_MB_MAX = 1
const SLOPE_LOOKS_MIN = 2
/** What the first swaps leave are pools and caches of their working size. */
const SHARE_LEFT_OUT = 0.2

const BODY = JSON.stringify({
  inputs: [{ name: 'x', shape: [1, ROW.length], datatype: 'FP32', data: ROW }],
})

export interface SwapTrial {
  readonly swaps: number
  readonly swapMs: readonly number[]
  readonly requests: number
  readonly failures: number
  readonly p99Us: number
  readonly perSecond: number
}

export interface MemorySample {
  /** Swaps so far. */
  readonly swaps: number
  readonly megabytes: number
  readonly pid: number
}

const startLoad = ({ server }: SwappedModel, seconds: number): RunningLoad => {
  const target = { port: server.port, path: SWAPPED_PATH, body: BODY, headers: JSON_HEADERS }
  return startGenerator({ target, connections: CONNECTIONS, seconds, perSecond: null })
}

/** Swaps, one after the other; resolves with the milliseconds of each. */
const swapAll = async (model: SwappedModel, swaps: number): Promise<number[]> => {
  const swapMs: number[] = []
  while (swapMs.length < swaps) swapMs.push(await model.swap())
  return swapMs
}

const trialOf = async ({ result }: RunningLoad, swapMs: readonly number[]): Promise<SwapTrial> => {
  const { requests, failures, latencyUs, seconds, firstFailure } = await result
  if (firstFailure !== null) console.log(`  failed: ${firstFailure}`)
  const perSecond = requests / seconds
  return { swaps: swapMs.length, swapMs, requests, failures, p99Us: latencyUs.p99, perSecond }
}

const runQuiet = (model: SwappedModel, seconds: number): Promise<SwapTrial> =>
  trialOf(startLoad(model, seconds), [])

/** Load from before the first swap until after the last. */
const runSwapping = async (model: SwappedModel, swaps: number): Promise<SwapTrial> => {
  const running = startLoad(model, SECONDS_MAX)
  await running.begun
  const swapMs = await swapAll(model, swaps)
  await delay(BEHIND_MS)
  running.end()
  return trialOf(running, swapMs)
}

const sampleOf = ({ server }: SwappedModel, swaps: number): MemorySample => {
  const pid = server.replicaPid()
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN)
  return { swaps, megabytes: kilobytes / 1024, pid }
}

/**
 * Megabytes a swap, once warmed up, NaN while there is too little to see; null when the replica was
 * replaced meanwhile, which is what bounds its memory then.
 */
export const memorySlope = (samples: readonly MemorySample[]): number | null =>
  new Set(samples.map(({ pid }) => pid)).size > 1 ? null : slopeOfProcess(samples)

const slopeOfProcess = (samples: readonly MemorySample[]): number => {
  const first = samples[0]?.swaps ?? 0
  const last = Math.max(...samples.map(({ swaps }) => swaps))
  const from = first + SHARE_LEFT_OUT * (last - first)
  const counted = samples.filter(({ swaps }) => swaps >= from)
  if (counted.length < SLOPE_LOOKS_MIN) return Number.NaN
  return slopeOf(counted.map(({ swaps, megabytes }) => [swaps, megabytes] as const))
}

export interface SwapRounds {
  readonly quiet: SwapTrial[]
  readonly swapping: SwapTrial[]
  readonly quietAgain: SwapTrial[]
  readonly memory: MemorySample[]
}

const medianP99 = (trials: readonly SwapTrial[]): number =>
  spreadOf(trials.map(({ p99Us }) => p99Us)).median

/** Gates of all rounds together. */
export const swapGates = ({ quiet, swapping, quietAgain, memory }: SwapRounds): Gate[] => {
  const failures = [...quiet, ...swapping, ...quietAgain].reduce((sum, t) => sum + t.failures, 0)
  const without = medianP99([...quiet, ...quietAgain])
  const allowedUs = Math.max(P99_TIMES_MAX * without, without + P99_MORE_MS_MAX * 1000)
  const slope = memorySlope(memory)
  return [
    atMost('failed requests', failures, 0),
    atMost('p99 while swapping, us', medianP99(swapping), Math.round(allowedUs)),
    ...(slope === null ? [] : [atMost('memory of the replica, MB a swap', slope, SLOPE_MB_MAX)]),
  ]
}

const measure = async (
  options: BenchOptions,
  model: SwappedModel,
  rounds: SwapRounds,
): Promise<void> => {
  const wanted = options.isTiny ? SWAPS_TINY : SWAPS
  let done = 0
  while (done < wanted) {
    rounds.quiet.push(await runQuiet(model, options.seconds))
    const swapping = await runSwapping(model, Math.min(SWAPS_A_TRIAL, wanted - done))
    rounds.swapping.push(swapping)
    rounds.quietAgain.push(await runQuiet(model, options.seconds))
    done += swapping.swaps
    const sample = sampleOf(model, done)
    rounds.memory.push(sample)
    const [before, during, after] = [rounds.quiet.at(-1)!, swapping, rounds.quietAgain.at(-1)!].map(
      ({ p99Us, perSecond }) => `${p99Us.toFixed(0)} us (${perSecond.toFixed(0)}/s)`,
    )
    const memory = `${sample.megabytes.toFixed(1)} MB, process ${sample.pid}`
    console.log(`  ${done} swaps: p99 ${before}, swapping ${during}, ${after}; ${memory}`)
  }
}

const printRounds = ({ quiet, swapping, quietAgain, memory }: SwapRounds): void => {
  const swapMs = spreadOf(swapping.flatMap((trial) => trial.swapMs))
  const range = `${swapMs.lowest.toFixed(0)}-${swapMs.highest.toFixed(0)}`
  console.log(
    `a swap, from the reload to its first answer: ${swapMs.median.toFixed(0)} ms (${range})`,
  )
  const same = medianP99(quiet) / medianP99(quietAgain)
  console.log(`A/A of p99 without swaps: ${same.toFixed(2)}`)
  for (const [pid, samples] of Map.groupBy(memory, (sample) => sample.pid)) {
    if (samples.length < SLOPE_LOOKS_MIN) continue
    const slope = slopeOfProcess(samples).toFixed(2)
    console.log(`process ${pid}, ${samples.length} looks: ${slope} MB a swap`)
  }
}

/** A replica that was replaced for another reason has died. */
const checkRecycled = async ({ server }: SwappedModel): Promise<void> => {
  const response = await fetch(`http://127.0.0.1:${server.controlPort}/api/v1/status`)
  const { recycled } = (await response.json()) as { recycled: { reason: string } | null }
  if (recycled === null) throw new Error('The replica was replaced, and not to be recycled')
  console.log(`the replica was recycled: ${recycled.reason}`)
}

/** False when a number of bench/README.md is missed. */
export const runSwaps = async (options: BenchOptions): Promise<boolean> => {
  const model = await startSwapped(BODY)
  const rounds: SwapRounds = { quiet: [], swapping: [], quietAgain: [], memory: [] }
  try {
    await measure(options, model, rounds)
    if (memorySlope(rounds.memory) === null) await checkRecycled(model)
  } finally {
    await model.stop()
  }
  printRounds(rounds)
  const gates = swapGates(rounds)
  printGates(gates)
  writeResult(options, { gates, ...rounds })
  return options.isTiny || gates.every(({ isMet }) => isMet)
}
