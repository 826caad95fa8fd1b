import { describe, expect, test } from 'vitest'
import { DEFAULT_QUEUE } from '../../../src/shared/queue-policy.ts'
import { BatcherRig } from '../../helpers/batcher-rig.ts'

const rigOf = (levels: number) =>
  new BatcherRig({
    policy: { rowsMax: 1, queue: { ...DEFAULT_QUEUE, levels, defaultLevel: levels } },
    runMs: 1,
    runUsByRows: [[1, 1000]],
  })

describe('LaneOrder', () => {
  test('runs what is on a lower number first, and first come first served inside a level', () => {
    const rig = rigOf(3)
    for (const [member, priority] of [3, 1, 2, 1, 3, 2].entries()) {
      rig.asker(member, { priority })
      rig.admit(member, [1])
    }
    rig.settle(0)
    expect(rig.served.map(([member]) => member)).toEqual([1, 3, 2, 5, 0, 4])
  })

  test('leaves the lowest level that waits a twentieth of the work, and saves up no more', () => {
    const rig = rigOf(2)
    let next = 0
    const arrive = (priority: number) => {
      rig.asker(next, { priority })
      rig.admit(next++, [1])
    }
    const shareOfLowest = (runs: number) => {
      const before = rig.served.length
      while (rig.served.length < before + runs) {
        arrive(1)
        arrive(1)
        rig.turns.turn()
      }
      const ran = rig.served.slice(before).map(([member]) => rig.asker(member).priority)
      return ran.filter((priority) => priority === 2).length / ran.length
    }
    expect(shareOfLowest(400)).toBe(0) // nobody waits there
    for (let i = 0; i < 100; i++) arrive(2)
    const share = shareOfLowest(1000)
    expect(share).toBeGreaterThan(0.04)
    expect(share).toBeLessThan(0.055)
  })
})

test('what waits below in three levels keeps out nothing of the first', () => {
  const queue = { ...DEFAULT_QUEUE, levels: 3, defaultLevel: 3 }
  const rig = new BatcherRig({ policy: { queue, queueRowsMax: 4 } })
  const isLetIn = (number: number, priority: number) =>
    rig.batcher.refusal(rig.asker(number, { priority }), 4, 0) === null
  for (const [number, priority] of [3, 2].entries()) {
    expect(isLetIn(number, priority)).toBe(true)
    rig.admit(number, [1, 1, 1, 1])
  }
  expect([isLetIn(2, 3), isLetIn(3, 2), isLetIn(4, 1)]).toEqual([false, false, true])
})
