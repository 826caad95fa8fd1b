import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Batcher, type BatcherHandlers } from '../../../src/runtime/batcher.ts'
import type { BatchPolicy } from '../../../src/shared/epoch-plan.ts'
import type { Tensor, TensorData } from '../../../src/shared/tensor.ts'
import { CountingSession, POISON } from '../../helpers/counting-session.ts'
import { PuppetTurns } from '../../helpers/puppet-turns.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

interface Member {
  readonly id: number
  readonly values: readonly number[]
}

interface Outcome {
  readonly answer?: readonly number[]
  readonly code?: string
  readonly badRow?: number
}

const POLICY: BatchPolicy = {
  rowsMax: 8,
  mixesRequests: true,
  preferredRows: [],
  queueDelayUsMax: 0,
}

const rig = (policy: Partial<BatchPolicy> = {}, innerShape: readonly number[] = [2]) => {
  const turns = new PuppetTurns()
  const session = new CountingSession(innerShape)
  const outcomes = new Map<number, Outcome[]>()
  const leave = (id: number, outcome: Outcome) =>
    outcomes.set(id, [...(outcomes.get(id) ?? []), outcome])
  const handlers: BatcherHandlers<Member> = {
    onRunStart: () => {},
    onRunEnd: () => {},
    onDone: ({ id }, results, { rowStart, rows }) => {
      const { data, shape } = results[0]!
      const stride = data.length / Math.max(1, shape[0]!)
      const part = (data as Float32Array).slice(rowStart * stride, (rowStart + rows) * stride)
      leave(id, { answer: [...part] })
    },
    onFailed: ({ id }, { code, detail }, badRow) => {
      expect(detail).not.toContain('/home')
      leave(id, { code, badRow })
    },
  }
  const batcher = new Batcher<Member>(session, { ...POLICY, ...policy }, turns, handlers)
  const target: { columns: readonly TensorData[]; row: number; room: number } = {
    columns: [],
    row: 0,
    room: 0,
  }
  /** Rows of two equal values each. */
  const admitInPlace = (id: number, values: readonly number[]) => {
    batcher.openTarget(target)
    if (target.room < values.length) return admitTensors(id, values)
    const column = target.columns[0] as Float32Array
    for (const [i, value] of values.entries())
      column.fill(value, (target.row + i) * 2, (target.row + i + 1) * 2)
    return batcher.admitInPlace({ id, values }, values.length)
  }
  const admitTensors = (id: number, values: readonly number[], width = 2) => {
    const data = new Float32Array(values.flatMap((value) => new Array<number>(width).fill(value)))
    const tensor: Tensor = { datatype: 'FP32', shape: [values.length, width], data }
    batcher.admitTensors({ id, values }, [tensor], values.length)
  }
  return { turns, session, batcher, outcomes, admitInPlace, admitTensors }
}

const doubled = (values: readonly number[], width = 2) =>
  values.flatMap((value) => new Array<number>(width).fill(value * 2))

test('Batcher runs what arrived in one turn as one batch', () => {
  const { turns, session, outcomes, admitInPlace, admitTensors } = rig()
  admitInPlace(1, [1])
  admitTensors(2, [2, 3])
  admitInPlace(3, [4])
  expect(session.runs).toEqual([])
  turns.turn()
  expect(session.runs).toEqual([4])
  expect(outcomes.get(2)).toEqual([{ answer: doubled([2, 3]) }])
  expect(outcomes.get(3)).toEqual([{ answer: doubled([4]) }])
  expect(turns.isIdle).toBe(true)
})

test('Batcher starts another batch when the cap is reached', () => {
  const { turns, session, admitInPlace } = rig({ rowsMax: 4 })
  for (let id = 0; id < 6; id++) admitInPlace(id, [id + 1])
  turns.turn()
  expect(session.runs).toEqual([4, 2])
})

test('Batcher runs a request larger than the cap alone', () => {
  const { turns, session, outcomes, admitInPlace } = rig({ rowsMax: 4 })
  admitInPlace(1, [1])
  admitInPlace(2, [1, 2, 3, 4, 5, 6])
  turns.turn()
  expect(session.runs).toEqual([1, 6])
  expect(outcomes.get(2)).toEqual([{ answer: doubled([1, 2, 3, 4, 5, 6]) }])
})

test('Batcher keeps requests apart when the self-test found that batching changes answers', () => {
  const { turns, session, admitInPlace } = rig({ mixesRequests: false })
  admitInPlace(1, [1])
  admitInPlace(2, [2, 3])
  turns.turn()
  expect(session.runs).toEqual([1, 2])
})

test('Batcher joins loose tensors of one shape and separates others', () => {
  const { turns, session, outcomes, admitTensors } = rig({}, [-1])
  admitTensors(1, [1], 3)
  admitTensors(2, [2, 5], 3)
  admitTensors(3, [3], 4)
  turns.turn()
  expect(session.runs).toEqual([3, 1])
  expect(outcomes.get(2)).toEqual([{ answer: doubled([2, 5], 3) }])
  expect(outcomes.get(3)).toEqual([{ answer: doubled([3], 4) }])
})

test('Batcher fails only the request with the bad row and names the row', () => {
  const { turns, outcomes, admitInPlace } = rig()
  admitInPlace(1, [1])
  admitInPlace(2, [2, 3, POISON, 4])
  admitInPlace(3, [5])
  turns.turn()
  expect(outcomes.get(1)).toEqual([{ answer: doubled([1]) }])
  expect(outcomes.get(2)).toEqual([{ code: 'INFERENCE_FAILED', badRow: 2 }])
  expect(outcomes.get(3)).toEqual([{ answer: doubled([5]) }])
})

test('Batcher waits for company up to the queue delay', () => {
  const { turns, session, admitInPlace } = rig({ queueDelayUsMax: 5000 })
  admitInPlace(1, [1])
  turns.turn()
  turns.advance(2)
  expect(session.runs).toEqual([])
  admitInPlace(2, [2])
  turns.advance(3)
  turns.turn()
  expect(session.runs).toEqual([2])
})

test('Batcher runs a preferred size at once and leaves the rest waiting', () => {
  const { turns, session, admitInPlace } = rig({ queueDelayUsMax: 5000, preferredRows: [2, 4] })
  for (let id = 0; id < 5; id++) admitInPlace(id, [id + 1])
  turns.turn()
  expect(session.runs).toEqual([4])
  turns.advance(5)
  turns.turn()
  expect(session.runs).toEqual([4, 1])
})

test('Batcher answers every member once, with its own rows, whatever arrives', () => {
  const arrival = fc.record({
    values: fc.array(fc.oneof(fc.nat(1000), fc.constant(POISON)), { minLength: 1, maxLength: 12 }),
    isInPlace: fc.boolean(),
    turnsAfter: fc.nat(2),
    ms: fc.nat(3),
  })
  const policy = fc.record({
    rowsMax: fc.integer({ min: 1, max: 10 }),
    mixesRequests: fc.boolean(),
    queueDelayUsMax: fc.constantFrom(0, 500, 3000),
    preferredRows: fc.constantFrom([], [3], [2, 4]),
  })
  fc.assert(
    fc.property(policy, fc.array(arrival, { maxLength: 40 }), (batching, arrivals) => {
      const { turns, batcher, outcomes, admitInPlace, admitTensors } = rig(batching)
      for (const [id, { values, isInPlace, turnsAfter, ms }] of arrivals.entries()) {
        if (isInPlace) admitInPlace(id, values)
        else admitTensors(id, values)
        for (let i = 0; i < turnsAfter; i++) turns.turn()
        turns.advance(ms)
      }
      for (let i = 0; i < 100 && !turns.isIdle; i++) {
        turns.turn()
        turns.advance(10)
      }
      expect(batcher.queuedRows).toBe(0)
      for (const [id, { values }] of arrivals.entries()) {
        const wanted = values.includes(POISON)
          ? [{ code: 'INFERENCE_FAILED', badRow: expect.any(Number) }]
          : [{ answer: doubled(values) }]
        expect(outcomes.get(id)).toEqual(wanted)
      }
    }),
    { numRuns: propertyRuns(300) },
  )
})
