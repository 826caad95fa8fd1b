import { describe, expect, test } from 'vitest'
import { BatcherRig, doubled } from '../../helpers/batcher-rig.ts'

describe('Batcher', () => {
  test('runs what arrived in one turn as one batch', () => {
    const rig = new BatcherRig()
    rig.admit(1, [1])
    rig.admitTensors(2, [2, 3])
    rig.admit(3, [4])
    expect(rig.calls).toEqual([])
    rig.turns.turn()
    expect(rig.calls).toEqual([4])
    expect(rig.served).toEqual([[1, 4]])
    expect(rig.outcomes.get(2)).toEqual([{ answer: doubled([2, 3]) }])
    expect(rig.outcomes.get(3)).toEqual([{ answer: doubled([4]) }])
    expect(rig.turns.isIdle).toBe(true)
  })

  test('starts another batch when the cap is reached', () => {
    const rig = new BatcherRig({ policy: { rowsMax: 4 } })
    for (let member = 0; member < 6; member++) rig.admit(member, [member + 1])
    rig.turns.turn()
    expect(rig.calls).toEqual([4, 2])
  })

  test('keeps requests apart when the self-test found that batching changes answers', () => {
    const rig = new BatcherRig({ policy: { mixesRequests: false } })
    rig.admit(1, [1])
    rig.admit(2, [2, 3])
    rig.turns.turn()
    expect(rig.calls).toEqual([1, 2])
  })

  test('keeps room for one row in a buffer that requests do not share', () => {
    const rig = new BatcherRig({ policy: { mixesRequests: false }, innerShape: [5] })
    const buffers = new Set<unknown>()
    for (let member = 1; member <= 3; member++) {
      rig.admit(member, [member])
      expect(rig.target.columns[0]).toHaveLength(5)
      buffers.add(rig.target.columns[0])
    }
    rig.turns.turn()
    expect(buffers.size).toBe(3)
    expect(rig.calls).toEqual([1, 1, 1])
    expect(rig.outcomes.get(3)).toEqual([{ answer: doubled([3], 5) }])
  })

  test('joins loose tensors of one shape and separates others', () => {
    const rig = new BatcherRig({ innerShape: [-1] })
    rig.admitTensors(1, [1], 3)
    rig.admitTensors(2, [2, 5], 3)
    rig.admitTensors(3, [3], 4)
    rig.turns.turn()
    expect(rig.calls).toEqual([3, 1])
    expect(rig.outcomes.get(2)).toEqual([{ answer: doubled([2, 5], 3) }])
    expect(rig.outcomes.get(3)).toEqual([{ answer: doubled([3], 4) }])
  })

  test('has requests that are too large for its buffers share a run', () => {
    const width = 60_000
    const rig = new BatcherRig({ policy: { rowsMax: 64 }, innerShape: [width] })
    expect(rig.batcher.denseRows).toBeLessThan(10)
    for (let member = 0; member < 4; member++)
      rig.admitTensors(member, new Array(10).fill(1), width)
    rig.turns.turn()
    expect(rig.calls).toEqual([40])
  })

  test('gives a version without row dimension its tensors as they are, one request a run', () => {
    const rig = new BatcherRig({ policy: { rowsMax: 0, mixesRequests: false } })
    rig.admitTensors(1, [1, 2, 3])
    rig.admitTensors(2, [4])
    expect(rig.target.room).toBe(0)
    rig.turns.turn()
    expect(rig.calls).toEqual([3, 1])
    expect(rig.outcomes.get(1)).toEqual([{ answer: doubled([1, 2, 3]) }])
  })

  test('does not run what was decoded but refused', () => {
    const rig = new BatcherRig()
    rig.batcher.openTarget(rig.target)
    ;(rig.target.columns[0] as Float32Array).fill(9)
    rig.batcher.openTarget(rig.target)
    expect(rig.target.row).toBe(0)
    expect(rig.turns.isIdle).toBe(true)
    rig.admit(1, [1])
    rig.turns.turn()
    expect(rig.served).toEqual([[1, 1]])
  })

  test('ends a turn in which runs took long, so that sockets are read', () => {
    const rig = new BatcherRig({ policy: { rowsMax: 1 }, runMs: 0.6 })
    for (let member = 0; member < 5; member++) rig.admit(member, [1])
    rig.turns.turn()
    expect(rig.calls).toHaveLength(2)
    rig.turns.turn()
    expect(rig.calls).toHaveLength(4)
    rig.turns.turn()
    expect(rig.calls).toHaveLength(5)
    expect(rig.turns.isIdle).toBe(true)
  })

  test('counts the rows that wait', () => {
    const rig = new BatcherRig({ policy: { rowsMax: 4 } })
    rig.admit(1, [1, 2])
    rig.admitTensors(2, [1, 2, 3, 4, 5, 6])
    expect(rig.batcher.queuedRows).toBe(8)
    rig.turns.turn()
    expect(rig.batcher.queuedRows).toBe(0)
  })
})

describe('Batcher with a queue delay', () => {
  test('waits for company, and no longer', () => {
    const rig = new BatcherRig({ policy: { queueDelayUsMax: 5000 } })
    rig.admit(1, [1])
    rig.turns.turn()
    rig.turns.advance(2)
    expect(rig.calls).toEqual([])
    rig.admit(2, [2])
    rig.turns.turn()
    expect(rig.calls).toEqual([])
    rig.turns.advance(3)
    rig.turns.turn()
    expect(rig.calls).toEqual([2])
    expect(rig.turns.isIdle).toBe(true)
  })

  test('waits no longer when what arrived meanwhile fills the batch', () => {
    const rig = new BatcherRig({ policy: { queueDelayUsMax: 30_000 } })
    rig.admit(1, [1])
    rig.turns.turn()
    rig.turns.advance(1)
    for (let member = 2; member <= 8; member++) rig.admit(member, [1])
    rig.turns.turn()
    expect(rig.calls).toEqual([8])
    for (let member = 9; member <= 30; member++) rig.admit(member, [1])
    rig.turns.turn()
    expect(rig.calls).toEqual([8, 8, 8])
    expect(rig.batcher.queuedRows).toBe(6)
    rig.turns.advance(29)
    rig.settle()
    expect(rig.calls).toEqual([8, 8, 8, 6])
  })

  test('waits no longer when what arrived meanwhile makes a preferred size', () => {
    const rig = new BatcherRig({ policy: { queueDelayUsMax: 30_000, preferredRows: [4] } })
    rig.admit(1, [1])
    rig.turns.turn()
    for (let member = 2; member <= 4; member++) rig.admit(member, [1])
    rig.turns.turn()
    expect(rig.calls).toEqual([4])
  })

  test('does not wait for a preferred size beyond the largest batch', () => {
    const rig = new BatcherRig({ policy: { queueDelayUsMax: 30_000, preferredRows: [100] } })
    for (let member = 1; member <= 8; member++) rig.admit(member, [1])
    rig.turns.turn()
    expect(rig.calls).toEqual([8])
  })

  test('does not wait for more rows than its buffers hold', () => {
    const width = 60_000
    const policy = { rowsMax: 64, queueDelayUsMax: 30_000 }
    const rig = new BatcherRig({ policy, innerShape: [width] })
    for (let member = 0; member < rig.batcher.denseRows; member++) rig.admit(member, [1])
    rig.turns.turn()
    expect(rig.calls).toEqual([rig.batcher.denseRows])
  })

  test('runs a preferred size at once and leaves the rest waiting', () => {
    const rig = new BatcherRig({ policy: { queueDelayUsMax: 5000, preferredRows: [2, 4] } })
    for (let member = 0; member < 5; member++) rig.admit(member, [member + 1])
    rig.turns.turn()
    expect(rig.calls).toEqual([4])
    rig.turns.advance(5)
    rig.turns.turn()
    expect(rig.calls).toEqual([4, 1])
  })

  test('cuts no batch whose rest would not wait', () => {
    const seven = Array.from({ length: 7 }, (_, member) => member)
    const idle = new BatcherRig({ policy: { preferredRows: [4] } })
    for (const member of seven) idle.admit(member, [1])
    idle.turns.turn()
    expect(idle.calls).toEqual([7])
    const late = new BatcherRig({ policy: { queueDelayUsMax: 5000, preferredRows: [2, 4] } })
    late.admit(0, [1])
    late.turns.turn()
    late.admit(1, [1, 1])
    late.turns.advance(5)
    late.turns.turn()
    expect(late.calls).toEqual([3])
  })

  test('does not let a batch wait that has another behind it', () => {
    const rig = new BatcherRig({ policy: { queueDelayUsMax: 5000 }, innerShape: [-1] })
    rig.admitTensors(1, [1], 3)
    rig.admitTensors(2, [1], 4)
    rig.turns.turn()
    expect(rig.calls).toEqual([1])
    rig.turns.advance(5)
    rig.turns.turn()
    expect(rig.calls).toEqual([1, 1])
  })
})

test.each([
  [[], 10, 11, true], // could never be served otherwise
  [[1], 10, 9, true],
  [[1], 10, 10, false],
  [[10], 10, 1, false],
  [[9], 10, 1, true],
  [[1000], 10, 1, true], // others have their turn between its parts
  [[1000, 10], 10, 1, false],
  [[1000, 9], 10, 1, true],
  [[11], 10, 11, false], // one at a time
])(
  'refusal() with %j waiting, at most %i, and %i more: %s',
  (waiting, queueRowsMax, rows, isIn) => {
    const rig = new BatcherRig({ policy: { queueRowsMax } })
    for (const [member, count] of waiting.entries()) {
      rig.admitTensors(member, new Array<number>(count).fill(1))
    }
    const sum = waiting.reduce((a, b) => a + b, 0)
    const detail = `${sum} rows are waiting; the limit is ${queueRowsMax}`
    const refusal = rig.batcher.refusal(rig.asker(99), rows, rig.turns.nowMs)
    if (isIn) expect(refusal).toBe(null)
    else expect(refusal).toMatchObject({ code: 'QUEUE_FULL', detail })
  },
)
