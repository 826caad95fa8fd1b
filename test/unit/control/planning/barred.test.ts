import { expect, test } from 'vitest'
import { Barred } from '../../../../src/control/planning/barred.ts'
import { loadKey } from '../../../../src/shared/epoch-plan.ts'
import { plannedVersion } from '../../../helpers/epoch-plans.ts'

const [A1, CHANGED_A1, A2, B1] = [
  plannedVersion({ model: 'a', version: 1 }),
  plannedVersion({ model: 'a', version: 1, provenSha256: 'another' }),
  plannedVersion({ model: 'a', version: 2 }),
  plannedVersion({ model: 'b', version: 1 }),
] as const

const barring = (...versions: readonly (typeof A1)[]): Barred => {
  const barred = new Barred()
  for (const version of versions) barred.add(version)
  return barred
}

const left = (barred: Barred) =>
  [A1, CHANGED_A1, A2, B1].filter((each) => barred.has(loadKey(each)))

test('lift() lets one load in, liftAll() every load of a version or of a model', () => {
  const all = [A1, CHANGED_A1, A2, B1]
  const barred = barring(...all)
  expect(barred.size).toBe(4)
  barred.lift(A1)
  expect(left(barred)).toEqual([CHANGED_A1, A2, B1])
  const ofVersion = barring(...all)
  ofVersion.liftAll('a', 1)
  expect(left(ofVersion)).toEqual([A2, B1])
  const ofModel = barring(...all)
  ofModel.liftAll('a')
  expect(left(ofModel)).toEqual([B1])
  ofModel.clear()
  expect(ofModel.size).toBe(0)
})
