/** Batching around a session that costs nothing, and a real session with nothing around it. */

import { readFileSync } from 'node:fs'
import type { BatcherHandlers } from '../../src/runtime/batch-runs.ts'
import { Batcher } from '../../src/runtime/batcher.ts'
import type { Turns } from '../../src/runtime/batcher-policy.ts'
import { CostModel } from '../../src/runtime/cost-model.ts'
import type { Queued } from '../../src/runtime/row-queue.ts'
import { createSession } from '../../src/runtime/session.ts'
import type { Session } from '../../src/runtime/session-types.ts'
import { ThreadWork } from '../../src/runtime/thread-work.ts'
import { DEFAULT_QUEUE } from '../../src/shared/queue-policy.ts'
import type { Tensor } from '../../src/shared/tensor.ts'
import { MLP_FILE } from '../fixtures.ts'
import { seededUniform } from '../load/arrivals.ts'
import type { MicroCase } from '../measure/micro-case.ts'
import { REPOSITORY_ROOT } from '../measure/processes.ts'

const WIDTH = 30
const POLICY = {
  rowsMax: 256,
  mixesRequests: true,
  queueDelayUsMax: 0,
  preferredRows: [],
  queueRowsMax: 10_000,
  keptValuesMax: 2 ** 24,
  queueWorkMsMax: 1000,
  queue: DEFAULT_QUEUE,
} as const

const result = (rows: number): Tensor => ({
  datatype: 'FP32',
  shape: [rows, 1],
  data: new Float32Array(rows).fill(0.5),
})

/** Answers one half for each row, from results made beforehand. */
const freeSession = (): Session => {
  const results = Array.from({ length: POLICY.rowsMax + 1 }, (_, rows) => [result(rows)])
  return {
    signature: {
      inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, WIDTH] }],
      outputs: [{ name: 'score', datatype: 'FP32', shape: [-1, 1] }],
    },
    run: ([input]) => results[input!.shape[0]!]!,
    dispose: () => {},
  }
}

interface Asker extends Queued {
  readonly number: number
}

/** Admits and answers `rows` requests of one row: one turn of a data thread. */
const batchOf = (rows: number): MicroCase => ({
  name: `batch: admit and answer ${rows} requests of one row`,
  setup: () => {
    let answered = 0
    const terms = { priority: 0, deadlineMs: Infinity, timeoutMs: Infinity }
    const askers = Array.from({ length: rows }, (_, number): Asker => ({ number, ...terms }))
    let due = () => {}
    const handlers: BatcherHandlers<Asker> = {
      onQueueRows: () => {},
      onRunStart: () => {},
      onRunEnd: () => {},
      onQueued: () => {},
      onUnqueued: () => {},
      onServed: () => {},
      onDone: (member, _results, place) => {
        answered += member.number + place.rowStart
      },
      onFailed: () => {},
      onFault: () => {},
    }
    const turns: Turns = {
      monotonic: () => performance.now(),
      soon: (task) => {
        due = task
      },
      after: () => {},
    }
    const cost = new CostModel([])
    const surroundings = { session: freeSession(), cost, work: new ThreadWork(), turns }
    const batcher = new Batcher<Asker>(surroundings, POLICY, handlers)
    const target = { columns: [] as Tensor['data'][], row: 0, room: 0 }
    return () => {
      for (let i = 0; i < rows; i++) {
        batcher.openTarget(target)
        ;(target.columns[0] as Float32Array)[target.row * WIDTH] = i
        batcher.admitInPlace(askers[i]!, 1, turns.monotonic())
      }
      due()
      return answered
    }
  },
})

/** One call of ONNX Runtime with the network of the HTTP benchmark. */
const runOf = (rows: number): MicroCase => ({
  name: `session: run 30-64-32-1 on ${rows} ${rows === 1 ? 'row' : 'rows'}`,
  setup: () => {
    const session = createSession(readFileSync(`${REPOSITORY_ROOT}${MLP_FILE}`))
    const uniform = seededUniform(13)
    const data = Float32Array.from({ length: rows * WIDTH }, () => uniform() * 2 - 1)
    const inputs: Tensor[] = [{ datatype: 'FP32', shape: [rows, WIDTH], data }]
    // Rounded, so that the hash is the same on CPUs with other vector units.
    return () => Math.round((session.run(inputs)[0]!.data[0] as number) * 1e4)
  },
})

export const batching: readonly MicroCase[] = [
  batchOf(1),
  batchOf(32),
  runOf(1),
  runOf(32),
  runOf(128),
]
