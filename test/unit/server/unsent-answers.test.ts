import fc from 'fast-check'
import { expect, test } from 'vitest'
import { UnsentAnswers } from '../../../src/server/unsent-answers.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

const rig = (bytesMax: number) => {
  const unsent = new UnsentAnswers(bytesMax)
  const dropped: number[] = []
  const answers = Array.from({ length: 20 }, (_, i) => ({ drop: () => void dropped.push(i) }))
  return { unsent, dropped, answers }
}

test('UnsentAnswers drops those that wait longest, and lets one alone be of any size', () => {
  const { unsent, dropped, answers } = rig(100)
  const [first, second, third, fourth] = answers
  unsent.hold(first!, 40)
  unsent.hold(second!, 40)
  unsent.hold(third!, 20)
  expect(dropped).toEqual([])
  unsent.hold(fourth!, 30)
  expect([dropped, unsent.sumBytes]).toEqual([[0], 90])
  unsent.release(first!)
  unsent.release(second!)
  unsent.release(second!)
  expect(unsent.sumBytes).toBe(50)
  unsent.hold(first!, 1000)
  expect([dropped, unsent.sumBytes]).toEqual([[0, 2, 3], 1000])
})

test('UnsentAnswers counts an answer that grows once', () => {
  const { unsent, dropped, answers } = rig(100)
  unsent.hold(answers[0]!, 30)
  unsent.hold(answers[0]!, 60)
  expect([unsent.sumBytes, dropped]).toEqual([60, []])
  unsent.release(answers[0]!)
  expect(unsent.sumBytes).toBe(0)
})

test('UnsentAnswers drops one that makes progress after those that make none', () => {
  const { unsent, dropped, answers } = rig(100)
  const [first, second, third] = answers
  unsent.hold(first!, 40)
  unsent.hold(second!, 40)
  unsent.progress(first!)
  unsent.progress(third!)
  unsent.hold(third!, 40)
  expect([dropped, unsent.sumBytes]).toEqual([[1], 80])
})

test('UnsentAnswers never holds more than it may, but for one alone', () => {
  const steps = fc.array(fc.tuple(fc.nat(19), fc.nat(150), fc.boolean()))
  fc.assert(
    fc.property(steps, (all) => {
      const { unsent, dropped, answers } = rig(100)
      const held = new Map<number, number>()
      for (const [which, bytes, isHeld] of all) {
        if (isHeld && !held.has(which)) {
          unsent.hold(answers[which]!, bytes)
          held.set(which, bytes)
        } else {
          unsent.release(answers[which]!)
          held.delete(which)
        }
        for (const one of dropped.splice(0)) held.delete(one)
        const sum = [...held.values()].reduce((a, b) => a + b, 0)
        expect(unsent.sumBytes).toBe(sum)
        expect(sum <= 100 || held.size === 1).toBe(true)
      }
    }),
    { numRuns: propertyRuns(200) },
  )
})
