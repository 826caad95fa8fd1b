/**
 * Rows a second of binary requests through the compute pool, beside ONNX Runtime called in a plain
 * loop with batches of the same size: what HTTP, queue and shared memory cost a model that is not
 * tiny. A pooled version is for machines of several cores: its data thread reads and writes while
 * its compute thread runs. So Sluice may use every core, of which the load has one at the same time.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MLP_5MB_WIDTH, mlp5MB } from '../test/helpers/slow-models.ts'
import { binaryForm } from './fixtures.ts'
import { runGenerator } from './load/run-load.ts'
import { atLeast, printGates } from './measure/gate.ts'
import { atExit, firstJsonLine, isPinned, start } from './measure/processes.ts'
import { spreadOf } from './measure/statistics.ts'
import { runTrial } from './measure/trial.ts'
import type { BenchOptions } from './options.ts'
import { targetOf } from './overload/open-trials.ts'
import { batchOf } from './pooled/batch.ts'
import { writeResult } from './result-file.ts'
import { type SluiceServer, startSluice } from './servers/sluice.ts'
import { writeFiles } from './servers/tree.ts'

const ROWS = 32
const WANTED_SHARE = 0.9
const ORT_LOOP = fileURLToPath(new URL('./peers/ort-loop.ts', import.meta.url))
/** One waits for its run while another one's answer is on its way. */
const CONNECTIONS = 8

const form = binaryForm({
  path: '/v2/models/mlp/infer',
  input: 'x',
  rows: ROWS,
  data: batchOf(ROWS, MLP_5MB_WIDTH),
})

/** Rows a second, and microseconds of CPU for a batch or a request. */
interface PooledTrial {
  readonly rowsPerSecond: number
  readonly cpuUs: number
}

const runOrtLoop = async (file: string, seconds: number): Promise<PooledTrial> => {
  const words = [file, ROWS, MLP_5MB_WIDTH, seconds].map(String)
  const child = start([process.execPath, ORT_LOOP, ...words], { core: 'server' })
  return (await firstJsonLine(child)) as unknown as PooledTrial
}

interface PooledRounds {
  readonly loop: PooledTrial[]
  readonly loopAgain: PooledTrial[]
  readonly sluice: PooledTrial[]
}

const runSluice = async (
  server: SluiceServer,
  seconds: number,
  round: number,
): Promise<PooledTrial> => {
  const plan = { connections: CONNECTIONS, seconds, perSecond: null, form }
  const { perSecond, allCpuUs, failures } = await runTrial(server, plan, round)
  if (failures > 0) throw new Error(`${failures} requests failed`)
  return { rowsPerSecond: perSecond * ROWS, cpuUs: allCpuUs }
}

const measure = async (
  options: BenchOptions,
  repository: string,
  { loop, sluice, loopAgain }: PooledRounds,
): Promise<void> => {
  const file = join(repository, 'mlp/1/model.onnx')
  const server = await startSluice({ repository, endpoint: 'mlp', stateDir: null, core: 'any' })
  try {
    const target = targetOf(server, form)
    const check = { target, connections: CONNECTIONS, seconds: 1, perSecond: null }
    const { failures, firstFailure } = await runGenerator(check)
    if (failures > 0) throw new Error(`${failures} requests failed\n${firstFailure}`)
    for (let round = 1; round <= options.rounds; round++) {
      loop.push(await runOrtLoop(file, options.seconds))
      sluice.push(await runSluice(server, options.seconds, round))
      loopAgain.push(await runOrtLoop(file, options.seconds))
      const [before, ours, after] = [loop, sluice, loopAgain].map((trials) =>
        trials.at(-1)!.rowsPerSecond.toFixed(0),
      )
      console.log(`  round ${round}: loop ${before} rows/s, sluice ${ours}, loop again ${after}`)
    }
  } finally {
    await server.stop()
  }
}

const rates = (trials: readonly PooledTrial[]): number[] =>
  trials.map(({ rowsPerSecond }) => rowsPerSecond)

const sentence = (name: string, trials: readonly PooledTrial[]): string => {
  const { median, lowest, highest } = spreadOf(rates(trials))
  const range = `${lowest.toFixed(0)}-${highest.toFixed(0)}`
  const cpuUs = spreadOf(trials.map((trial) => trial.cpuUs)).lowest
  return `${name}: ${median.toFixed(0)} rows/s (${range}), ${cpuUs.toFixed(0)} us of CPU for ${ROWS} rows`
}

/** False when a number of bench/README.md is missed. */
export const runPooled = async (options: BenchOptions): Promise<boolean> => {
  const repository = mkdtempSync(join(tmpdir(), 'bench-pooled-'))
  atExit(() => rmSync(repository, { recursive: true, force: true }))
  writeFiles(join(repository, 'mlp'), {
    '1/model.onnx': mlp5MB(),
    'model.yaml': `placement: pooled\nmax_batch_size: ${ROWS}\n`,
  })
  const rounds: PooledRounds = { loop: [], loopAgain: [], sluice: [] }
  await measure(options, repository, rounds)
  const { loop, loopAgain, sluice } = rounds
  console.log(
    isPinned ? 'loop on core 0, load on core 1, Sluice on both' : 'nothing is bound to a core',
  )
  console.log(sentence('plain loop', [...loop, ...loopAgain]))
  console.log(sentence('sluice, all its processes', sluice))
  // The fastest of interleaved rounds is the one that other work on the machine disturbed least.
  const fastest = (trials: readonly PooledTrial[]) => spreadOf(rates(trials)).highest
  const same = fastest(loop) / fastest(loopAgain)
  console.log(`A/A of the loop: ${same.toFixed(3)}`)
  const share = fastest(sluice) / fastest([...loop, ...loopAgain])
  const name = `rows a second of ${ROWS}-row binary requests, pooled / plain loop`
  const gates = [atLeast(name, share, WANTED_SHARE)]
  printGates(gates)
  writeResult(options, { isPinned, gates, ...rounds })
  return options.isTiny || gates.every(({ isMet }) => isMet)
}
