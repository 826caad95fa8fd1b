/**
 * The speed of a core at every moment, also while others use it: ONNX Runtime run with eight rows
 * every 100 ms, by CPU time and not by the clock. Other tenants of the hardware make one and the
 * same run cost up to twice as much for seconds on end.
 *
 *     node bench/peers/speed-probe.ts FILE WIDTH
 *
 * prints a line behind each run, `{"atMs", "rowsPerSecond"}`: when it began, in milliseconds since
 * 1970, and rows that a second of CPU would have held. What the thread does besides, some 50 us,
 * counts as part of the run.
 */

import { readFileSync } from 'node:fs'
import { createSession } from '../../src/runtime/session.ts'
import { batchOf } from '../pooled/batch.ts'

const PAUSE_MS = 100
/** As many as a batch of the model has, and enough that cold caches count for little. */
const ROWS = 8

const [file = '', width = ''] = process.argv.slice(2)
const session = createSession(readFileSync(file))
const shape = [ROWS, Number(width)]
const inputs = [{ datatype: 'FP32' as const, shape, data: batchOf(ROWS, Number(width)) }]

/** What the scheduler has booked to this thread: up to date only when it has just slept. */
const bookedNs = (): number =>
  Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ', 1)[0])

let beforeNs = Number.NaN
let atMs = 0
setInterval(() => {
  const nowNs = bookedNs()
  const rowsPerSecond = (ROWS * 1e9) / (nowNs - beforeNs)
  if (!Number.isNaN(rowsPerSecond)) console.log(JSON.stringify({ atMs, rowsPerSecond }))
  beforeNs = nowNs
  atMs = Date.now()
  session.run(inputs)
}, PAUSE_MS)
