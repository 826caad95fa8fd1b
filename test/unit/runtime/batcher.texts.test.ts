import { describe, expect, test } from 'vitest'
import type { Session } from '../../../src/runtime/session-types.ts'
import { BatcherRig } from '../../helpers/batcher-rig.ts'

describe('Batcher with texts', () => {
  const signature = {
    inputs: [{ name: 'x', datatype: 'BYTES', shape: [-1, 1] }],
    outputs: [{ name: 'y', datatype: 'BYTES', shape: [-1, 1] }],
  } as const
  const session: Session = {
    signature,
    run: ([input]) => [{ ...input!, data: (input!.data as string[]).map((text) => `${text}!`) }],
    dispose: () => {},
  }

  /** Decodes texts in place; gives the buffer that they are in. */
  const decode = (rig: BatcherRig, texts: readonly string[]): string[] => {
    rig.batcher.openTarget(rig.target)
    const column = rig.target.columns[0] as string[]
    for (const [i, text] of texts.entries()) column[rig.target.row + i] = text
    return column
  }

  const admit = (rig: BatcherRig, member: number, texts: readonly string[]): string[] => {
    const column = decode(rig, texts)
    rig.batcher.admitInPlace(rig.asker(member), texts.length, rig.turns.nowMs)
    return column
  }

  test('lets them go when their run is over', () => {
    const rig = new BatcherRig({ session })
    for (const round of [1, 2]) {
      const buffers = ['a', 'b', 'c'].map((text, member) => admit(rig, member, [text + round]))
      expect(new Set(buffers).size).toBe(1)
      expect(buffers[0]!.slice(0, 3)).toEqual([`a${round}`, `b${round}`, `c${round}`])
      rig.turns.turn()
      expect(rig.outcomes.get(1)?.at(-1)).toEqual({ answer: [`b${round}!`] })
      expect(buffers[0]!.every((text) => text === '')).toBe(true)
    }
  })

  test('lets those go that were decoded and then refused, or given as tensors', () => {
    const rig = new BatcherRig({ session })
    for (const round of [1, 2]) {
      const column = admit(rig, round, ['a'])
      expect(decode(rig, ['refused', 'too'])).toBe(column)
      expect(admit(rig, round + 10, ['b'])).toBe(column)
      decode(rig, ['read', 'again'])
      const own = { datatype: 'BYTES', shape: [1, 1], data: ['c'] } as const
      rig.batcher.admitTensors(
        rig.asker(round + 20),
        [{ ...own, data: [...own.data] }],
        1,
        rig.turns.nowMs,
      )
      expect(column.slice(0, 4)).toEqual(['a', 'b', 'c', 'again'])
      rig.turns.turn()
      expect(rig.outcomes.get(round + 20)).toEqual([{ answer: ['c!'] }])
      expect(column.every((text) => text === '')).toBe(true)
    }
  })

  test('lets those go that have left for another batch', () => {
    const policy = { queueDelayUsMax: 5000, preferredRows: [2] }
    const rig = new BatcherRig({ session, policy })
    const column = admit(rig, 1, ['a', 'b'])
    admit(rig, 2, ['c'])
    rig.turns.turn()
    expect(rig.served).toEqual([[1, 2]])
    expect(column.every((text) => text === '')).toBe(true)
    rig.settle()
    expect(rig.outcomes.get(2)).toEqual([{ answer: ['c!'] }])
  })
})
