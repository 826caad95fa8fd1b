/**
 * The yardstick of pooled models: ONNX Runtime called in a plain loop, in one thread, with one and
 * the same batch. `node bench/peers/ort-loop.ts FILE ROWS WIDTH SECONDS cpu|cuda` prints rows a
 * second and microseconds of CPU a run.
 */

import { readFileSync } from 'node:fs'
import { createSession } from '../../src/runtime/session.ts'
import { DEFAULT_SESSION } from '../../src/shared/session-settings.ts'
import { ON_GPU } from '../gpu/settings.ts'
import { batchOf } from '../pooled/batch.ts'

const [file = '', ...words] = process.argv.slice(2)
const [rows = 0, width = 0, seconds = 0] = words.slice(0, 3).map(Number)
const settings = words[3] === 'cuda' ? ON_GPU : DEFAULT_SESSION
const WARM_UP_RUNS = 20

const session = createSession(readFileSync(file), settings)
const inputs = [{ datatype: 'FP32' as const, shape: [rows, width], data: batchOf(rows, width) }]
for (let run = 0; run < WARM_UP_RUNS; run++) session.run(inputs)
const startMs = performance.now()
const startCpu = process.cpuUsage()
let runs = 0
let nowMs = startMs
for (; nowMs - startMs < seconds * 1000; nowMs = performance.now()) {
  session.run(inputs)
  runs++
}
const { user, system } = process.cpuUsage(startCpu)
const rowsPerSecond = (runs * rows * 1000) / (nowMs - startMs)
console.log(JSON.stringify({ rowsPerSecond, cpuUs: (user + system) / runs }))
