import { describe, expect, test } from 'vitest'
import { BatcherRig, doubled } from '../../helpers/batcher-rig.ts'

describe('Batcher.cancel()', () => {
  test.each([
    ['rows in a shared buffer', {}],
    ['tensors of their own', { innerShape: [-1] }],
  ])('takes a member out of its batch, and gives the others their rows, with %s', (_, options) => {
    const rig = new BatcherRig(options)
    for (const member of [1, 2, 3, 4]) rig.admit(member, [member, member * 10])
    expect([rig.cancel(1), rig.cancel(3)]).toEqual([true, true])
    expect([rig.batcher.queuedRows, rig.queuedRows, [...rig.pending]]).toEqual([4, 4, [2, 4]])
    expect(rig.outcomes.get(1)).toMatchObject([{ code: 'INFERENCE_FAILED' }])
    rig.admit(5, [5])
    rig.turns.turn()
    expect(rig.calls).toEqual([5])
    expect(rig.outcomes.get(2)).toEqual([{ answer: doubled([2, 20]) }])
    expect(rig.outcomes.get(4)).toEqual([{ answer: doubled([4, 40]) }])
    expect(rig.outcomes.get(5)).toEqual([{ answer: doubled([5]) }])
  })

  test('calls no run for those that have all gone', () => {
    const rig = new BatcherRig({ policy: { rowsMax: 2 } })
    for (const member of [1, 2, 3, 4]) rig.admit(member, [member])
    for (const member of [1, 2, 4]) rig.cancel(member)
    rig.turns.turn()
    expect(rig.calls).toEqual([1])
    expect([rig.batcher.queuedRows, rig.queuedRows, rig.pending.size]).toEqual([0, 0, 0])
  })

  test('leaves alone what has run, and what never waited', () => {
    const rig = new BatcherRig()
    rig.admit(1, [1])
    rig.turns.turn()
    expect([rig.cancel(1), rig.cancel(2)]).toEqual([false, false])
    expect(rig.outcomes.get(1)).toHaveLength(1)
  })
})
