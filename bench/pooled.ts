/**
 * Rows a second of binary requests through the compute pool, beside ONNX Runtime called in a plain
 * loop with batches of the same size: what HTTP, queue and shared memory cost a model that is not
 * tiny.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MLP_5MB_WIDTH, mlp5MB } from '../test/helpers/slow-models.ts'
import { binaryForm } from './fixtures.ts'
import { runGenerator, runLoad } from './load/run-load.ts'
import { atLeast, printGates } from './measure/gate.ts'
import { atExit, firstJsonLine, isPinned, start } from './measure/processes.ts'
import { spreadOf } from './measure/statistics.ts'
import type { BenchOptions } from './options.ts'
import { targetOf } from './overload/open-trials.ts'
import { batchOf } from './pooled/batch.ts'
import { writeResult } from './result-file.ts'
import { startSluice } from './servers/sluice.ts'
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

const runOrtLoop = async (file: string, seconds: number): Promise<number> => {
  const words = [file, ROWS, MLP_5MB_WIDTH, seconds].map(String)
  const child = start([process.execPath, ORT_LOOP, ...words], { core: 'server' })
  const result = (await firstJsonLine(child)) as { rows: number; seconds: number }
  return result.rows / result.seconds
}

/** Rows a second, one number for each round. */
export interface PooledRates {
  readonly loop: number[]
  readonly loopAgain: number[]
  readonly sluice: number[]
}

const measure = async (
  options: BenchOptions,
  repository: string,
  rates: PooledRates,
): Promise<void> => {
  const file = join(repository, 'mlp/1/model.onnx')
  const server = await startSluice({ repository, endpoint: 'mlp', stateDir: null })
  try {
    const target = targetOf(server, form)
    const plan = { target, connections: CONNECTIONS, seconds: options.seconds, perSecond: null }
    const { failures, firstFailure } = await runGenerator({ ...plan, seconds: 1 })
    if (failures > 0) throw new Error(`${failures} requests failed\n${firstFailure}`)
    for (let round = 1; round <= options.rounds; round++) {
      rates.loop.push(await runOrtLoop(file, options.seconds))
      const result = await runLoad(plan)
      if (result.failures > 0) throw new Error(`${result.failures} requests failed`)
      rates.sluice.push((result.requests * ROWS) / result.seconds)
      rates.loopAgain.push(await runOrtLoop(file, options.seconds))
      const [loop, ours, again] = [rates.loop, rates.sluice, rates.loopAgain].map((all) =>
        all.at(-1)!.toFixed(0),
      )
      console.log(`  round ${round}: loop ${loop} rows/s, sluice ${ours}, loop again ${again}`)
    }
  } finally {
    await server.stop()
  }
}

const sentence = (name: string, all: readonly number[]): string => {
  const { median, lowest, highest } = spreadOf(all)
  return `${name}: ${median.toFixed(0)} rows/s (${lowest.toFixed(0)}-${highest.toFixed(0)})`
}

/** False when a number of bench/README.md is missed. */
export const runPooled = async (options: BenchOptions): Promise<boolean> => {
  const repository = mkdtempSync(join(tmpdir(), 'bench-pooled-'))
  atExit(() => rmSync(repository, { recursive: true, force: true }))
  writeFiles(join(repository, 'mlp'), {
    '1/model.onnx': mlp5MB(),
    'model.yaml': 'placement: pooled\n',
  })
  const rates: PooledRates = { loop: [], loopAgain: [], sluice: [] }
  await measure(options, repository, rates)
  console.log(isPinned ? 'server and loop on core 0, load on core 1' : 'nothing is bound to a core')
  console.log(sentence('plain loop', [...rates.loop, ...rates.loopAgain]))
  console.log(sentence('sluice', rates.sluice))
  // The fastest of interleaved rounds is the one that other work on the machine disturbed least.
  const fastest = (all: readonly number[]) => spreadOf(all).highest
  const same = fastest(rates.loop) / fastest(rates.loopAgain)
  console.log(`A/A of the loop: ${same.toFixed(3)}`)
  const share = fastest(rates.sluice) / fastest([...rates.loop, ...rates.loopAgain])
  const name = `rows a second of ${ROWS}-row binary requests, pooled / plain loop`
  const gates = [atLeast(name, share, WANTED_SHARE)]
  printGates(gates)
  writeResult(options, { isPinned, gates, rates })
  return options.isTiny || gates.every(({ isMet }) => isMet)
}
