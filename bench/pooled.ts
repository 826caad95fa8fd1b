/**
 * Rows a second of binary requests through the compute pool, beside ONNX Runtime called in a plain
 * loop with batches of the same size: what HTTP, queue and shared memory cost a model that is not
 * tiny. The compute thread has a core to itself, as the loop has; the data thread, which reads and
 * writes meanwhile, shares the other one with the load.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MLP_5MB_WIDTH, mlp5MB } from '../test/helpers/slow-models.ts'
import { binaryForm } from './fixtures.ts'
import { runGenerator } from './load/run-load.ts'
import { spentNs } from './measure/cpu.ts'
import { atLeast, printGates } from './measure/gate.ts'
import { atExit, isPinned } from './measure/processes.ts'
import { costRatio, spreadOf } from './measure/statistics.ts'
import { runTrial } from './measure/trial.ts'
import type { BenchOptions } from './options.ts'
import { targetOf } from './overload/open-trials.ts'
import { type LoopTrial, runPlainLoop } from './peers/plain-loop.ts'
import { batchOf } from './pooled/batch.ts'
import { writeResult } from './result-file.ts'
import { type SluiceServer, startSluice } from './servers/sluice.ts'
import { writeFiles } from './servers/tree.ts'

const ROWS = 32
const WANTED_SHARE = 0.9
/** One waits for its run while another one's answer is on its way. */
const CONNECTIONS = 8

const form = binaryForm({
  path: '/v2/models/mlp/infer',
  input: 'x',
  rows: ROWS,
  data: batchOf(ROWS, MLP_5MB_WIDTH),
})

/** Of the compute thread. */
interface PooledTrial extends LoopTrial {
  /** CPU of all processes for a request, microseconds. */
  readonly allCpuUs: number
  /** Part of the time in which the compute thread was at work. */
  readonly busyShare: number
}

interface PooledRounds {
  readonly loop: LoopTrial[]
  readonly loopAgain: LoopTrial[]
  readonly sluice: PooledTrial[]
}

const runSluice = async (
  server: SluiceServer,
  seconds: number,
  round: number,
): Promise<PooledTrial> => {
  const plan = { connections: CONNECTIONS, seconds, perSecond: null, form }
  const before = server.computeThreads()
  const { requests, perSecond, allCpuUs, failures } = await runTrial(server, plan, round)
  const spent = spentNs(before, server.computeThreads())
  if (failures > 0) throw new Error(`${failures} requests failed`)
  const cpuUs = spent / 1000 / requests
  const busyShare = (cpuUs * perSecond) / 1e6
  return { rowsPerSecond: perSecond * ROWS, cpuUs, allCpuUs, busyShare }
}

const measure = async (
  options: BenchOptions,
  repository: string,
  { loop, sluice, loopAgain }: PooledRounds,
): Promise<void> => {
  const file = join(repository, 'mlp/1/model.onnx')
  const plainLoop = { file, rows: ROWS, width: MLP_5MB_WIDTH, seconds: options.seconds }
  const server = await startSluice({ repository, endpoint: 'mlp', stateDir: null, isSplit: true })
  try {
    const target = targetOf(server, form)
    const check = { target, connections: CONNECTIONS, seconds: 1, perSecond: null }
    const { failures, firstFailure } = await runGenerator(check)
    if (failures > 0) throw new Error(`${failures} requests failed\n${firstFailure}`)
    for (let round = 1; round <= options.rounds; round++) {
      loop.push(await runPlainLoop(plainLoop))
      sluice.push(await runSluice(server, options.seconds, round))
      loopAgain.push(await runPlainLoop(plainLoop))
      const [before, ours, after] = [loop, sluice, loopAgain].map((trials) =>
        trials.at(-1)!.rowsPerSecond.toFixed(0),
      )
      console.log(`  round ${round}: loop ${before} rows/s, sluice ${ours}, loop again ${after}`)
    }
  } finally {
    await server.stop()
  }
}

const rates = (trials: readonly LoopTrial[]): number[] =>
  trials.map(({ rowsPerSecond }) => rowsPerSecond)

const costs = (trials: readonly LoopTrial[]): number[] => trials.map(({ cpuUs }) => cpuUs)

const sentence = (name: string, trials: readonly LoopTrial[]): string => {
  const { median, lowest, highest } = spreadOf(rates(trials))
  const range = `${lowest.toFixed(0)}-${highest.toFixed(0)}`
  const cpuUs = spreadOf(costs(trials)).lowest
  return `${name}: ${median.toFixed(0)} rows/s (${range}), ${cpuUs.toFixed(0)} us of CPU for ${ROWS} rows at least`
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
    isPinned
      ? 'loop and compute thread on core 0, all else on core 1'
      : 'nothing is bound to a core',
  )
  console.log(sentence('plain loop', [...loop, ...loopAgain]))
  console.log(sentence('compute thread', sluice))
  const busyShare = spreadOf(sluice.map((trial) => trial.busyShare)).median
  const allUs = spreadOf(sluice.map(({ allCpuUs }) => allCpuUs)).lowest
  console.log(
    `it is busy ${busyShare.toFixed(3)} of the time; all processes: ${allUs.toFixed(0)} us`,
  )
  console.log(`A/A of the loop: ${costRatio(costs(loop), costs(loopAgain)).toFixed(3)}`)
  // A round's own loops are the yardstick: the speed of a shared machine changes twofold.
  const shares = sluice.map(
    ({ rowsPerSecond }, i) =>
      (2 * rowsPerSecond) / (loop[i]!.rowsPerSecond + loopAgain[i]!.rowsPerSecond),
  )
  const { median: share, lowest, highest } = spreadOf(shares)
  const range = `${lowest.toFixed(2)}-${highest.toFixed(2)}`
  const best = busyShare * costRatio(costs([...loop, ...loopAgain]), costs(sluice))
  console.log(`rounds: ${range}; by the lowest cost of all rounds: ${best.toFixed(3)}`)
  const name = `rows a second of ${ROWS}-row binary requests, pooled / plain loop`
  const gates = [atLeast(name, share, WANTED_SHARE)]
  printGates(gates)
  writeResult(options, { isPinned, gates, ...rounds })
  return options.isTiny || gates.every(({ isMet }) => isMet)
}
