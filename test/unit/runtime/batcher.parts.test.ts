import { describe, expect, test } from 'vitest'
import type { Session } from '../../../src/runtime/session-types.ts'
import { BatcherRig, doubled } from '../../helpers/batcher-rig.ts'
import { POISON } from '../../helpers/counting-session.ts'

describe('Batcher with a request of more rows than a run may have', () => {
  const values = Array.from({ length: 10 }, (_, i) => i + 1)

  test('runs it in parts and joins the answers', () => {
    const rig = new BatcherRig({ policy: { rowsMax: 4 } })
    rig.admit(1, [1])
    rig.admit(2, values)
    rig.turns.turn()
    expect(rig.calls).toEqual([1, 4, 4, 2])
    expect(rig.served).toEqual([
      [1, 1],
      [2, 4],
      [2, 4],
      [2, 2],
    ])
    expect(rig.outcomes.get(2)).toEqual([{ answer: doubled(values) }])
    expect(rig.turns.isIdle).toBe(true)
  })

  test('counts the rows that wait for their part', () => {
    const rig = new BatcherRig({ policy: { rowsMax: 4 }, runMs: 2 })
    const waiting: number[] = []
    for (const last of [11, POISON]) {
      rig.admit(last, [...values, last])
      for (rig.turns.turn(); !rig.turns.isIdle; rig.turns.turn()) {
        waiting.push(rig.batcher.queuedRows)
      }
      expect(rig.batcher.queuedRows).toBe(0)
      expect(rig.queuedRows).toBe(0)
    }
    expect(waiting).toEqual([7, 3, 7, 3])
    rig.admit(1, [POISON, ...values])
    rig.turns.turn()
    expect(rig.outcomes.get(1)).toMatchObject([{ badRow: 0 }])
    expect(rig.batcher.queuedRows).toBe(0)
  })

  test('runs it whole where rows may depend on one another', () => {
    const rig = new BatcherRig({ policy: { rowsMax: 4, mixesRequests: false } })
    rig.admit(1, values)
    rig.turns.turn()
    expect(rig.calls).toEqual([10])
    expect(rig.outcomes.get(1)).toEqual([{ answer: doubled(values) }])
  })

  test('lets others run between its parts', () => {
    const rig = new BatcherRig({ policy: { rowsMax: 4 }, runMs: 0.6 })
    rig.admit(1, values)
    rig.turns.turn()
    rig.admit(2, [7])
    rig.turns.turn()
    expect([...rig.outcomes.keys()]).toEqual([1, 2])
    const quick = new BatcherRig({ policy: { rowsMax: 2 }, runMs: 0.6 })
    quick.admit(1, values)
    quick.admit(2, [7])
    quick.turns.turn()
    expect([...quick.outcomes.keys()]).toEqual([2])
    quick.settle()
    expect(quick.outcomes.get(1)).toEqual([{ answer: doubled(values) }])
  })

  /** Queue and run of a member, and the rows of its run, as it is told of them. */
  const timesOf = (rig: BatcherRig, member: number) => {
    const told: number[][] = []
    const { onDone } = rig.handlers
    rig.handlers.onDone = (each, results, place, times) => {
      const { startedMs, endedMs } = times
      if (each.number === member) told.push([startedMs, endedMs - startedMs, place.runRows])
      onDone(each, results, place, times)
    }
    return told
  }

  test.each([0, 3])('tells the time of its own runs, with %i others in each turn', (others) => {
    const rig = new BatcherRig({ policy: { rowsMax: 4 }, runMs: 1.5 })
    const told = timesOf(rig, 1)
    rig.turns.advance(2)
    rig.admit(1, values)
    for (let next = 2; !rig.outcomes.has(1); rig.turns.turn()) {
      for (let i = 0; i < others; i++) rig.admit(next++, [7])
    }
    const runsMs = 1.5 * 3
    expect(told).toEqual([[rig.turns.nowMs - runsMs, runsMs, 4]])
    expect(rig.turns.nowMs > 2 + runsMs).toBe(others > 0)
  })

  test('tells the rows of the whole run, whoever shares it', () => {
    const rig = new BatcherRig()
    const told = timesOf(rig, 2)
    rig.admit(1, [1, 2, 3])
    rig.admit(2, [4])
    rig.turns.turn()
    expect(told).toEqual([[0, 0, 4]])
  })
})

describe('Batcher with a request in parts whose answers are too much to keep', () => {
  const values = Array.from({ length: 10 }, (_, i) => i + 1)

  test.each([
    [19, [4], 'ANSWER_TOO_LARGE'],
    [20, [4, 4, 2], undefined],
  ])(
    'refuses it by the size of its first part, with a limit of %i',
    (keptValuesMax, calls, code) => {
      const rig = new BatcherRig({ policy: { rowsMax: 4, keptValuesMax }, innerShape: [-1] })
      rig.admitTensors(1, values)
      rig.admitTensors(2, [1, 2, 3, 4])
      rig.settle()
      expect(rig.calls.filter((_, i) => i !== 1)).toEqual(calls)
      expect(rig.outcomes.get(1)?.map((each) => each.code)).toEqual([code])
      expect(rig.outcomes.get(2)).toEqual([{ answer: doubled([1, 2, 3, 4]) }])
      expect([rig.batcher.queuedRows, rig.queuedRows]).toEqual([0, 0])
    },
  )

  test('names no row, and counts the run that gave answers', () => {
    const rig = new BatcherRig({
      policy: { rowsMax: 4, keptValuesMax: 19 },
      throwsFor: new Set([2]),
    })
    rig.admit(1, values)
    rig.admit(2, values)
    rig.settle()
    expect(rig.outcomes.get(1)).toMatchObject([{ code: 'ANSWER_TOO_LARGE', badRow: -1 }])
    expect(rig.outcomes.get(2)).toEqual([{ fault: new Error('for 2') }])
    expect(rig.served).toEqual([
      [1, 4],
      [2, 4],
    ])
  })

  test('counts 16 characters of a text as one value more, of the parts so far', () => {
    const texts = [{ name: 'x', datatype: 'BYTES', shape: [-1] }] as const
    const signature = { inputs: texts, outputs: texts }
    const run: Session['run'] = ([input]) => [input!]
    const session: Session = { signature, run, dispose: () => {} }
    const rig = new BatcherRig({ session, policy: { rowsMax: 2, keptValuesMax: 7 } })
    const data = ['a', 'b', 'c', 'd'.repeat(31), 'e', 'f']
    rig.batcher.admitTensors(rig.asker(1), [{ datatype: 'BYTES', shape: [6], data }], 6, 0)
    rig.batcher.admitTensors(
      rig.asker(2),
      [{ datatype: 'BYTES', shape: [6], data: data.map((each) => `${each}d`) }],
      6,
      0,
    )
    rig.settle()
    expect(rig.outcomes.get(1)).toMatchObject([{ answer: data }])
    expect(rig.outcomes.get(2)).toMatchObject([{ code: 'ANSWER_TOO_LARGE' }])
    expect(rig.calls.length).toBe(3 + 2)
  })
})

describe('Batcher with a request of more rows than may wait', () => {
  const values = Array.from({ length: 10 }, (_, i) => i + 1)

  /** Rows that wait, and those of them that are the large request's. */
  const waiting = ({ batcher }: BatcherRig) => [batcher.queuedRows, batcher.oversizedRows]

  test('tells its rows from those of others until they have run', () => {
    const rig = new BatcherRig({ policy: { rowsMax: 4, queueRowsMax: 5 }, runMs: 2 })
    rig.admit(1, values)
    rig.admit(2, [1, 2, 3, 4])
    expect(waiting(rig)).toEqual([14, 10])
    const seen: number[][] = []
    for (rig.turns.turn(); !rig.turns.isIdle; rig.turns.turn()) seen.push(waiting(rig))
    expect(seen).toEqual([
      [10, 6],
      [6, 6],
      [2, 2],
    ])
    expect(waiting(rig)).toEqual([0, 0])
  })

  test.each([
    ['whose first part fails', { rowsMax: 4 }, [POISON, ...values]],
    ['whose last part fails', { rowsMax: 4 }, [...values, POISON]],
    ['that runs whole', { rowsMax: 4, mixesRequests: false }, values],
    ['that shares a run', { rowsMax: 20 }, values],
  ])('counts none once one has left %s', (_what, policy, rows) => {
    const rig = new BatcherRig({ policy: { ...policy, queueRowsMax: 5 } })
    rig.admit(1, rows)
    rig.admit(2, [1, 2])
    expect(waiting(rig)).toEqual([rows.length + 2, rows.length])
    rig.settle()
    expect([...rig.outcomes.keys()].sort()).toEqual([1, 2])
    expect(waiting(rig)).toEqual([0, 0])
    rig.admit(3, [1, 2])
    expect(waiting(rig)).toEqual([2, 0])
  })
})

test('Batcher runs no part more of a request whose client has gone', () => {
  const policy = { rowsMax: 4, queueRowsMax: 5 }
  const rig = new BatcherRig({ policy, runMs: 2 })
  const values = Array.from({ length: 20 }, (_, i) => i + 1)
  rig.admit(1, values)
  rig.admit(2, [1])
  rig.turns.turn()
  expect([rig.cancel(1), rig.cancel(1)]).toEqual([true, false])
  rig.settle()
  expect(rig.calls).toEqual([4, 1])
  expect([...rig.outcomes].map(([member, all]) => [member, all.length])).toEqual([
    [1, 1],
    [2, 1],
  ])
  expect([rig.batcher.queuedRows, rig.batcher.oversizedRows, rig.queuedRows]).toEqual([0, 0, 0])
})
