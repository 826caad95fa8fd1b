/**
 * A network of 300 MB on a GPU: what a run costs by its rows, on the CPU and there; rows a second
 * of 64-row binary requests through Sluice beside ONNX Runtime in a plain loop with the same batch;
 * and the memory of the GPU while a version comes and goes. Without a GPU it says why, and no more.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { providerFault } from '../src/runtime/session.ts'
import { binaryForm } from './fixtures.ts'
import type { Curve } from './gpu/curve.ts'
import { INPUT_WIDTH, largeMlp } from './gpu/large-mlp.ts'
import { gpuName, measureMemory, usedMib, versionOf } from './gpu/memory.ts'
import { ON_GPU } from './gpu/settings.ts'
import { atLeast, printGates } from './measure/gate.ts'
import { atExit, firstJsonLine, start } from './measure/processes.ts'
import { spreadOf } from './measure/statistics.ts'
import { runTrial, type Trial } from './measure/trial.ts'
import type { BenchOptions } from './options.ts'
import { type LoopTrial, runPlainLoop } from './peers/plain-loop.ts'
import { batchOf } from './pooled/batch.ts'
import { writeResult } from './result-file.ts'
import { type SluiceServer, startSluice } from './servers/sluice.ts'

const MODEL = 'mlp'
const ROWS = 64
const WANTED_SHARE = 0.95
/** Several requests wait for their run while the answers of others are on their way. */
const CONNECTIONS = 16
const DATA_THREADS = 4
const CURVE = fileURLToPath(new URL('./gpu/curve.ts', import.meta.url))
const CURVE_SECONDS = 0.15

const runCurve = async (file: string, isTiny: boolean): Promise<Curve> => {
  const words = [file, INPUT_WIDTH, isTiny ? 0 : CURVE_SECONDS].map(String)
  const child = start([process.execPath, CURVE, ...words], { core: 'any' })
  const curve = (await firstJsonLine(child)) as unknown as Curve
  console.log('microseconds a row, by the rows of a run:')
  console.log('rows     one core    all cores          GPU')
  for (const { rows, cpuUs, allCoresUs, gpuUs } of curve.points) {
    const perRow = [cpuUs, allCoresUs, gpuUs].map((us) => (us / rows).toFixed(1).padStart(12))
    console.log(`${String(rows).padStart(4)} ${perRow.join(' ')}`)
  }
  const { cpuGpu, gpuBatches } = curve.differences
  console.log(`GPU and CPU differ by ${cpuGpu.toExponential(1)} of the largest answer,`)
  console.log(`rows alone and in a batch on the GPU by ${gpuBatches.toExponential(1)}`)
  return curve
}

interface Rounds {
  readonly loop: LoopTrial[]
  readonly loopAgain: LoopTrial[]
  readonly sluice: Trial[]
}

const form = binaryForm({
  ...{ path: `/v2/models/${MODEL}/infer`, input: 'x', rows: ROWS },
  data: batchOf(ROWS, INPUT_WIDTH),
})

const runRounds = async (server: SluiceServer, file: string, options: BenchOptions) => {
  const rounds: Rounds = { loop: [], loopAgain: [], sluice: [] }
  const { seconds } = options
  const plan = { connections: CONNECTIONS, seconds, perSecond: null, form }
  const loop = { file, rows: ROWS, width: INPUT_WIDTH, seconds, isOnGpu: true }
  await runTrial(server, { ...plan, seconds: 1 }, 0) // warms up
  for (let round = 1; round <= options.rounds; round++) {
    const before = await runPlainLoop(loop)
    const trial = await runTrial(server, plan, round)
    const after = await runPlainLoop(loop)
    if (trial.failures > 0) throw new Error(`${trial.failures} requests failed`)
    rounds.loop.push(before)
    rounds.sluice.push(trial)
    rounds.loopAgain.push(after)
    const rates = [before.rowsPerSecond, trial.perSecond * ROWS, after.rowsPerSecond]
    const [first, ours, last] = rates.map((rate) => rate.toFixed(0))
    const latency = `p50 ${trial.p50Us.toFixed(0)} us, p99 ${trial.p99Us.toFixed(0)} us`
    console.log(`  round ${round}: loop ${first} rows/s, sluice ${ours} (${latency}), loop ${last}`)
  }
  return rounds
}

const shareOf = ({ loop, sluice, loopAgain }: Rounds): number => {
  const shares = sluice.map(
    ({ perSecond }, i) =>
      (2 * perSecond * ROWS) / (loop[i]!.rowsPerSecond + loopAgain[i]!.rowsPerSecond),
  )
  const { median, lowest, highest } = spreadOf(shares)
  console.log(`rounds: ${lowest.toFixed(3)}-${highest.toFixed(3)}`)
  return median
}

const runOnGpu = async (options: BenchOptions, folder: string): Promise<boolean> => {
  console.log(gpuName())
  const file = join(folder, 'model.onnx')
  const own = join(folder, 'models', MODEL)
  mkdirSync(join(own, '1'), { recursive: true })
  const bytes = largeMlp()
  for (const each of [file, join(own, '1/model.onnx')]) writeFileSync(each, bytes)
  const session = 'session: {providers: [cuda, cpu], cuda: {require: true}}'
  writeFileSync(join(own, 'model.yaml'), `max_batch_size: ${ROWS}\n${session}\n`)
  const config = join(folder, 'sluice.yaml')
  writeFileSync(config, 'proving: {memory_bytes_max: 17179869184}\n')
  const curve = await runCurve(file, options.isTiny)
  const beforeMib = usedMib()
  const server = await startSluice({
    ...{ repository: join(folder, 'models'), endpoint: MODEL, stateDir: null, config },
    freeThreads: DATA_THREADS,
  })
  try {
    const version = await versionOf(server, MODEL)
    console.log(version?.placement?.reason, JSON.stringify(version?.gpu), version?.warnings)
    const rounds = await runRounds(server, file, options)
    const gates = [
      atLeast(`rows a second of ${ROWS}-row requests / plain loop`, shareOf(rounds), WANTED_SHARE),
    ]
    const memory = [
      ['before', beforeMib],
      ...(await measureMemory(server, MODEL, own, join(folder, 'away'))),
    ]
    for (const [step, mib] of memory) console.log(`  ${mib} MiB of the GPU in use: ${step}`)
    printGates(gates)
    writeResult(options, { gpu: gpuName(), gates, version, curve, memory, ...rounds })
    return options.isTiny || gates.every(({ isMet }) => isMet)
  } finally {
    await server.stop()
  }
}

/** False when the number of bench/README.md is missed. */
export const runGpu = async (options: BenchOptions): Promise<boolean> => {
  const fault = providerFault(ON_GPU)
  if (fault !== null) {
    console.log(`there is no GPU to measure: ${fault.message}`)
    return true
  }
  const folder = mkdtempSync(join(tmpdir(), 'bench-gpu-'))
  atExit(() => rmSync(folder, { recursive: true, force: true }))
  return runOnGpu(options, folder)
}
