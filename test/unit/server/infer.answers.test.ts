/** Answers that are long, and those that would be too long. */

import { expect, test } from 'vitest'
import type { Session } from '../../../src/runtime/session-types.ts'
import { ROW_VALUES_MAX } from '../../../src/server/protocols/answer-size.ts'
import { THREAD_STATE, THREAD_WORDS } from '../../../src/shared/shared-memory.ts'
import type { Signature, Tensor } from '../../../src/shared/tensor.ts'
import { answerKey } from '../../helpers/counted-slots.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RequestPath } from '../../helpers/request-path.ts'

const OIP = '/v2/models/m/infer'

/** A model that answers each row with so many numbers, whatever its signature says. */
const wide = (width: number, told: number | null = width) => {
  const signature: Signature = {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
    outputs: [
      { name: 'y', datatype: 'FP32', shape: [-1, told ?? -1] },
      { name: 'n', datatype: 'FP32', shape: [-1, 1] },
    ],
  }
  const runs: number[] = []
  const session: Session = {
    signature,
    run: ([x]: readonly Tensor[]) => {
      const rows = x!.shape[0]!
      runs.push(rows)
      return [width, 1].map((each) => ({
        datatype: 'FP32',
        shape: [rows, each],
        data: new Float32Array(rows * each),
      }))
    },
    dispose: () => {},
  }
  const plan = epochPlan(1, [plannedVersion({ model: 'm', version: 1, signature })])
  const path = new RequestPath(plan, { session: () => session, queueRowsMax: 10_000 })
  return { path, runs, session }
}

const inputs = (rows: number) => [
  { name: 'x', shape: [rows, 1], datatype: 'FP32', data: new Array(rows).fill(1) },
]
const instances = (rows: number) => ({ instances: Array.from({ length: rows }, () => [1]) })

test('onRequest() refuses what would have too large an answer before it is run', () => {
  const { path, runs } = wide(768)
  const oip = path.ask({ path: OIP }, { inputs: inputs(1362) })
  expect([oip.answer?.status, oip.header('x-sluice-error')]).toEqual([422, 'ANSWER_TOO_LARGE'])
  expect(oip.json()['error']).toMatch(/send fewer rows .*`outputs`/)
  const features = path.ask({}, instances(1362))
  expect(features.json()).toMatchObject({ title: 'Unprocessable Content', retryable: false })
  expect([runs, path.inFlight, path.queueRows]).toEqual([[], 0, 0])
  expect(path.counts(answerKey('m'))).toEqual({
    'features ANSWER_TOO_LARGE': 1,
    'oip ANSWER_TOO_LARGE': 1,
  })
})

test('onRequest() answers as many rows where only small outputs are asked for', () => {
  const { path } = wide(768)
  const exchange = path.send({ path: OIP }, { inputs: inputs(1362), outputs: [{ name: 'n' }] })
  while (!path.turns.isIdle) path.turns.turn()
  expect(exchange.json()).toMatchObject({ outputs: [{ name: 'n', shape: [1362, 1] }] })
})

test.each([
  ['its signature leaves sizes free', null],
  ['its signature is not true', 1],
])('onRequest() writes nothing of too large an answer where %s', (_title, told) => {
  const { path, runs } = wide(ROW_VALUES_MAX, told)
  const all = path.ask({}, { features: [1] })
  expect([all.answer?.status, all.header('x-sluice-error')]).toEqual([422, 'ANSWER_TOO_LARGE'])
  expect(path.ask({ path: OIP }, { inputs: inputs(1) }).answer?.status).toBe(422)
  const some = path.ask({ path: OIP }, { inputs: inputs(1), outputs: [{ name: 'n' }] })
  expect([some.answer?.status, runs]).toEqual([200, [1, 1, 1]])
  expect([path.inFlight, path.queueRows]).toEqual([0, 0])
})

test('onRequest() refuses after its first part what would be too much to keep until the last', () => {
  const { path, runs } = wide(2048, null)
  const outputs = [{ name: 'n' }]
  const exchange = path.send({ path: OIP }, { inputs: inputs(9000), outputs })
  while (!path.turns.isIdle) path.turns.turn()
  expect([exchange.answer?.status, exchange.header('x-sluice-error')]).toEqual([
    422,
    'ANSWER_TOO_LARGE',
  ])
  expect(exchange.json()['error']).toBe(
    `All outputs of the model together would have ${9000 * 2049} values; the limit is ${2 ** 24}. Send fewer rows in one request`,
  )
  expect([runs.length, path.inFlight, path.queueRows]).toEqual([1, 0, 0])
  expect(path.ask({ path: OIP }, { inputs: inputs(40), outputs }).answer?.status).toBe(200)
})

/** What a request adds to the beats, and the state that is left. A run is two beats. */
const beatsOf = (path: RequestPath, send: () => void) => {
  const { words } = path.memory.threads[0]!
  const before = words[THREAD_WORDS.BEAT]!
  send()
  path.turns.turn()
  return [words[THREAD_WORDS.BEAT]! - before, words[THREAD_WORDS.STATE]]
}

test.each([
  ['a short answer', 100, false, 2],
  ['a long one', 1100, false, 4],
  ['one that JSON cannot carry', 1100, true, 4],
])('onRequest() publishes that it encodes, for %s', (_title, width, isBad, beats) => {
  const { path, session } = wide(width)
  const { run } = session
  if (isBad) {
    session.run = (given) => {
      const results = run(given)
      results[0]!.data[7] = Number.NaN
      return results
    }
  }
  const found = beatsOf(path, () => path.send({ path: OIP }, { inputs: inputs(1) }))
  expect(found).toEqual([beats, THREAD_STATE.IDLE])
})

test('onRequest() gives each long answer of a run its own time, whoever has gone', () => {
  const { path } = wide(1100)
  path.ask({ path: OIP }, { inputs: inputs(1), outputs: [{ name: 'n' }] })
  const found = beatsOf(path, () => {
    const [first] = [1, 2, 3].map(() => path.send({ path: OIP }, { inputs: inputs(1) }))
    first!.abort()
  })
  expect(found).toEqual([2 + 2 + 2, THREAD_STATE.IDLE])
})
