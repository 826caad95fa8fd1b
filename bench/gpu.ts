/**
 * A network of 300 MB on a GPU: what a run costs by its rows, on the CPU and there; rows a second
 * of 64-row binary requests through Sluice, with one session and with two, beside ONNX Runtime in
 * plain loops; and the memory of the GPU while a version comes and goes. Without a GPU it says why,
 * and no more.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { providerFault } from '../src/runtime/session.ts'
import type { Curve } from './gpu/curve.ts'
import { INPUT_WIDTH, largeMlp } from './gpu/large-mlp.ts'
import { gpuName, measureMemory, takeAway, usedMib, versionOf } from './gpu/memory.ts'
import { CAP_ROWS, type GpuRounds, ROWS, runRounds, sharesOf } from './gpu/rounds.ts'
import { ON_GPU } from './gpu/settings.ts'
import { atLeast, type Gate, printGates } from './measure/gate.ts'
import { atExit, firstJsonLine, start } from './measure/processes.ts'
import { spreadOf } from './measure/statistics.ts'
import type { BenchOptions } from './options.ts'
import { writeResult } from './result-file.ts'
import { startSluice } from './servers/sluice.ts'
import { writeFiles } from './servers/tree.ts'

const WANTED_SHARE = 0.95
/** As `auto` gives each of the two replicas that it has on such machines. */
const DATA_THREADS = Math.max(1, Math.floor((availableParallelism() - 1) / 2))
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

/** The session takes turns with the copies around it; of two, one runs while the other copies. */
const MODELS = { mlp: 1, 'mlp-two': 2 } as const
const [ONE, TWO] = ['mlp', 'mlp-two'] as const

const writeModels = (folder: string): { file: string; repository: string; config: string } => {
  const repository = join(folder, 'models')
  const file = join(folder, 'model.onnx')
  const config = join(folder, 'sluice.yaml')
  const bytes = largeMlp()
  writeFileSync(file, bytes)
  writeFileSync(config, 'proving: {memory_bytes_max: 17179869184}\n')
  const session = 'session: {providers: [cuda, cpu], cuda: {require: true}}'
  for (const [name, instances] of Object.entries(MODELS)) {
    writeFiles(join(repository, name), { 'model.yaml': `instances: ${instances}\n${session}\n` })
    writeFiles(join(repository, name), { '1/model.onnx': bytes })
  }
  return { file, repository, config }
}

const rangeOf = (shares: readonly number[]): string => {
  const { median, lowest, highest } = spreadOf(shares)
  return `${median.toFixed(3)} (${lowest.toFixed(3)}-${highest.toFixed(3)})`
}

/** The stricter yardstick decides: nobody who asks by 64 rows has the batches of the loop. */
const gatesOf = (rounds: GpuRounds): Gate[] => {
  for (const [name, sessions] of Object.entries(MODELS)) {
    const { ofCapLoop, ofRequestLoop } = sharesOf(rounds, name)
    console.log(`${sessions} session${sessions === 1 ? '' : 's'}, over the plain loop`)
    console.log(`  by ${CAP_ROWS} rows, fed from memory: ${rangeOf(ofCapLoop)}`)
    console.log(`  by ${ROWS} rows, as in a request: ${rangeOf(ofRequestLoop)}`)
  }
  const name = `rows a second of ${ROWS}-row requests / plain loop by ${CAP_ROWS} rows`
  return [atLeast(name, spreadOf(sharesOf(rounds, ONE).ofCapLoop).median, WANTED_SHARE)]
}

const runOnGpu = async (options: BenchOptions, folder: string): Promise<boolean> => {
  const beforeMib = usedMib() // a context of this process, which has asked for the GPU
  console.log(gpuName())
  const { file, repository, config } = writeModels(folder)
  const curve = await runCurve(file, options.isTiny)
  const server = await startSluice({
    ...{ repository, endpoint: ONE, stateDir: null, config },
    freeThreads: DATA_THREADS,
  })
  try {
    const version = await versionOf(server, ONE)
    console.log(version?.placement?.reason, JSON.stringify(version?.gpu), version?.warnings)
    console.log(`${DATA_THREADS} data threads; batches: ${JSON.stringify(version?.batching)}`)
    const rounds = await runRounds(server, [ONE, TWO], file, options)
    const gates = gatesOf(rounds)
    await takeAway(server, TWO, join(repository, TWO))
    const memory = [
      ['before', beforeMib],
      ...(await measureMemory(server, ONE, join(repository, ONE), join(folder, 'away'))),
    ]
    for (const [step, mib] of memory) console.log(`  ${mib} MiB of the GPU in use: ${step}`)
    printGates(gates)
    writeResult(options, {
      ...{ gpu: gpuName(), dataThreads: DATA_THREADS, gates, version, curve, memory },
      ...rounds,
    })
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
