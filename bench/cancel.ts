/**
 * Half of the clients cancel while they wait: how much of their work is run all the same, counted
 * by the rows that were run.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { slowModel } from '../test/helpers/slow-models.ts'
import type { CancellingResult } from './load/cancelling-plan.ts'
import { runCancelling } from './load/run-load.ts'
import { atLeast, printGates } from './measure/gate.ts'
import { metricSum, readMetrics } from './measure/metrics.ts'
import { atExit, until } from './measure/processes.ts'
import type { BenchOptions } from './options.ts'
import { targetOf } from './overload/open-trials.ts'
import { formOf, PLACEMENTS } from './overload/world.ts'
import { writeResult } from './result-file.ts'
import { type SluiceServer, startSluice } from './servers/sluice.ts'
import { writeFiles } from './servers/tree.ts'

const CLIENTS = 400
const CANCEL_AFTER_MS = 40
const US_PER_ROW = 1_000
const IDLE_MS_MAX = 30_000
const WANTED_SHARE = 0.95

export interface CancelTrial extends CancellingResult {
  readonly placement: string
  readonly rowsRun: number
}

/** Share of the work of clients that went that was never run; every request is one row. */
export const neverRun = (trials: readonly CancelTrial[]): number => {
  const sum = (value: (trial: CancelTrial) => number) =>
    trials.reduce((total, trial) => total + value(trial), 0)
  const inVain = sum(({ rowsRun, answered }) => rowsRun - answered)
  return 1 - inVain / sum(({ cancelled }) => cancelled)
}

/** Rows that have been run, when none waits any more. */
const rowsRun = async ({ controlPort }: SluiceServer, model: string): Promise<number> => {
  let page = ''
  await until('an idle server', IDLE_MS_MAX, async () => {
    page = await readMetrics(controlPort)
    const busy = ['sluice_queue_rows', 'sluice_requests_in_flight']
    return busy.every((name) => metricSum(page, name, {}) === 0)
  })
  return metricSum(page, 'sluice_batch_rows_sum', { model })
}

const runTrial = async (
  server: SluiceServer,
  model: string,
  clients: number,
): Promise<CancelTrial> => {
  const before = await rowsRun(server, model)
  const target = targetOf(server, formOf(model))
  const result = await runCancelling({ target, clients, cancelAfterMs: CANCEL_AFTER_MS })
  const trial = { placement: model, ...result, rowsRun: (await rowsRun(server, model)) - before }
  console.log(
    `  ${model}: of ${clients} clients ${result.answered} were answered, ${result.cancelled} went, ${result.failed} failed; ${trial.rowsRun} rows run`,
  )
  return trial
}

/** All of them may wait, however long a row is expected to take. */
const UNBOUNDED = `limits:
  queue_work_ms_max: 600000
`

const startModels = async (): Promise<SluiceServer> => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-cancel-'))
  atExit(() => rmSync(folder, { recursive: true, force: true }))
  const repository = join(folder, 'models')
  const config = join(folder, 'sluice.yaml')
  writeFiles(folder, { 'sluice.yaml': UNBOUNDED })
  const model = slowModel({ usPerRow: US_PER_ROW })
  for (const placement of PLACEMENTS) {
    writeFiles(join(repository, placement), {
      '1/model.onnx': model,
      'model.yaml': `placement: ${placement}\n`,
    })
  }
  return startSluice({ repository, config, endpoint: PLACEMENTS[0], stateDir: null })
}

/** False when too much is run in vain, or somebody who waits is not answered. */
export const runCancel = async (options: BenchOptions): Promise<boolean> => {
  const server = await startModels()
  const trials: CancelTrial[] = []
  try {
    for (let round = 0; round < options.rounds; round++) {
      for (const placement of PLACEMENTS) {
        trials.push(await runTrial(server, placement, options.isTiny ? CLIENTS / 4 : CLIENTS))
      }
    }
  } finally {
    await server.stop()
  }
  const gates = PLACEMENTS.map((placement) => {
    const some = trials.filter((trial) => trial.placement === placement)
    const name = `${placement}: share of cancelled work that was never run`
    return atLeast(name, neverRun(some), WANTED_SHARE)
  })
  printGates(gates)
  const isAnswered = trials.every(({ failed }) => failed === 0)
  if (!isAnswered) console.log('FAILED somebody who waited was not answered')
  writeResult(options, { gates, trials })
  return options.isTiny || (isAnswered && gates.every(({ isMet }) => isMet))
}
