/**
 * Rounds of plain loops and of Sluice on the same GPU: the loop with the rows of a request, as one
 * client in the process would have it, and with those of the largest batch, fed from memory.
 */

import { binaryForm, type RequestForm } from '../fixtures.ts'
import { runSpread } from '../load/run-load.ts'
import { runTrial, type Trial } from '../measure/trial.ts'
import type { BenchOptions } from '../options.ts'
import { type LoopTrial, runPlainLoop } from '../peers/plain-loop.ts'
import { batchOf } from '../pooled/batch.ts'
import type { SluiceServer } from '../servers/sluice.ts'
import { INPUT_WIDTH } from './large-mlp.ts'

/** Of a request. */
export const ROWS = 64
/** Of a run at most: what the proving run tries by default. */
export const CAP_ROWS = 256
/** Four requests make a run; others are on their way, or wait for the next runs. */
const CONNECTIONS = 64
/** One process sends and reads some 300 MB a second. */
const LOADS = 4

/** Sluice with a model, by the sessions that it has on the GPU. */
export interface GpuTrial extends Trial {
  readonly rowsPerSecond: number
  /** Of its runs. */
  readonly meanRows: number
}

export interface GpuRounds {
  readonly requestLoop: LoopTrial[]
  readonly capLoop: LoopTrial[]
  readonly capLoopAgain: LoopTrial[]
  /** By model. */
  readonly sluice: Readonly<Record<string, GpuTrial[]>>
}

const formOf = (model: string): RequestForm =>
  binaryForm({
    ...{ path: `/v2/models/${model}/infer`, input: 'x', rows: ROWS },
    data: batchOf(ROWS, INPUT_WIDTH),
  })

interface Counts {
  readonly rows: number
  readonly runs: number
}

const countsOf = async ({ port }: SluiceServer, model: string): Promise<Counts> => {
  const response = await fetch(`http://127.0.0.1:${port}/v2/models/${model}/stats`)
  const { model_stats: stats } = (await response.json()) as {
    model_stats: { inference_count: number; execution_count: number }[]
  }
  return { rows: stats[0]?.inference_count ?? 0, runs: stats[0]?.execution_count ?? 0 }
}

const runModel = async (
  server: SluiceServer,
  model: string,
  seconds: number,
  round: number,
): Promise<GpuTrial> => {
  const plan = { connections: CONNECTIONS, seconds, perSecond: null, form: formOf(model) }
  const before = await countsOf(server, model)
  const trial = await runTrial(server, plan, round, (load) => runSpread(load, LOADS))
  if (trial.failures > 0) throw new Error(`${trial.failures} requests failed`)
  const after = await countsOf(server, model)
  const meanRows = (after.rows - before.rows) / (after.runs - before.runs)
  return { ...trial, rowsPerSecond: trial.perSecond * ROWS, meanRows }
}

const rate = ({ rowsPerSecond }: LoopTrial | GpuTrial): string => rowsPerSecond.toFixed(0)

const sentence = (trial: GpuTrial): string => {
  const latency = `p50 ${trial.p50Us.toFixed(0)} us, p99 ${trial.p99Us.toFixed(0)} us`
  const cpu = `CPU of data threads ${trial.dataCpuUs.toFixed(0)} us a request`
  return `${rate(trial)} rows/s, ${trial.meanRows.toFixed(0)} a run, ${latency}, ${cpu}`
}

/** Trials of `models` between loops. The first second of each model warms it up. */
export const runRounds = async (
  server: SluiceServer,
  models: readonly string[],
  file: string,
  { seconds, rounds }: BenchOptions,
): Promise<GpuRounds> => {
  const loop = (rows: number): Promise<LoopTrial> =>
    runPlainLoop({ file, rows, width: INPUT_WIDTH, seconds, isOnGpu: true })
  for (const model of models) await runModel(server, model, Math.min(1, seconds), 0)
  const found: GpuRounds = {
    ...{ requestLoop: [], capLoop: [], capLoopAgain: [] },
    sluice: Object.fromEntries(models.map((model) => [model, []])),
  }
  for (let round = 1; round <= rounds; round++) {
    const requestLoop = await loop(ROWS)
    const capLoop = await loop(CAP_ROWS)
    for (const model of models) {
      const trial = await runModel(server, model, seconds, round)
      found.sluice[model]!.push(trial)
      console.log(`  round ${round}: ${model}: ${sentence(trial)}`)
    }
    const capLoopAgain = await loop(CAP_ROWS)
    found.requestLoop.push(requestLoop)
    found.capLoop.push(capLoop)
    found.capLoopAgain.push(capLoopAgain)
    const caps = `${rate(capLoop)} and ${rate(capLoopAgain)}`
    console.log(
      `  round ${round}: loops: ${rate(requestLoop)} by ${ROWS} rows, ${caps} by ${CAP_ROWS}`,
    )
  }
  return found
}

/** Sluice's rows a second over those of the loops of the same round. */
export interface Shares {
  readonly ofCapLoop: number[]
  readonly ofRequestLoop: number[]
}

export const sharesOf = (rounds: GpuRounds, model: string): Shares => {
  const { requestLoop, capLoop, capLoopAgain } = rounds
  const trials = rounds.sluice[model] ?? []
  const ofCapLoop = trials.map(
    ({ rowsPerSecond }, i) =>
      (2 * rowsPerSecond) / (capLoop[i]!.rowsPerSecond + capLoopAgain[i]!.rowsPerSecond),
  )
  const ofRequestLoop = trials.map(
    ({ rowsPerSecond }, i) => rowsPerSecond / requestLoop[i]!.rowsPerSecond,
  )
  return { ofCapLoop, ofRequestLoop }
}
