import { describe, expect, test } from 'vitest'
import type { Session } from '../../../src/runtime/session-types.ts'
import { BatcherRig, doubled } from '../../helpers/batcher-rig.ts'
import { POISON } from '../../helpers/counting-session.ts'

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

  test('lets texts go when their run is over', () => {
    const signature = {
      inputs: [{ name: 'x', datatype: 'BYTES', shape: [-1, 1] }],
      outputs: [{ name: 'y', datatype: 'BYTES', shape: [-1, 1] }],
    } as const
    const session: Session = {
      signature,
      run: ([input]) => [{ ...input!, data: (input!.data as string[]).map((text) => `${text}!`) }],
      dispose: () => {},
    }
    const rig = new BatcherRig({ session })
    const admitText = (member: number, text: string) => {
      rig.batcher.openTarget(rig.target)
      ;(rig.target.columns[0] as string[])[rig.target.row] = text
      rig.batcher.admitInPlace(member, 1, 0)
    }
    for (const round of [1, 2]) {
      for (const [member, text] of ['a', 'b', 'c'].entries()) admitText(member, text + round)
      const columns = rig.target.columns[0] as string[]
      expect(columns.slice(0, 3)).toEqual([`a${round}`, `b${round}`, `c${round}`])
      rig.turns.turn()
      expect(rig.outcomes.get(1)?.at(-1)).toEqual({ answer: [`b${round}!`] })
      expect(columns.every((text) => text === '')).toBe(true)
    }
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
})
