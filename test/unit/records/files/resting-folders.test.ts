import { expect, test } from 'vitest'
import { RestingFolders } from '../../../../src/records/files/resting-folders.ts'

const HOUR_MS = 3_600_000

test('a folder has its next turn in an hour', () => {
  const resting = new RestingFolders()
  resting.add('a', 1000)
  resting.add('a', 2000)
  resting.release(HOUR_MS + 999)
  expect(resting.has('a')).toBe(true)
  resting.release(HOUR_MS + 1000)
  expect(resting.has('a')).toBe(false)
})

test('no more than a thousand have it in an hour, the oldest first', () => {
  const resting = new RestingFolders()
  for (let number = 0; number < 2500; number++) resting.add(`${number}`, 0)
  const left = () => Array.from({ length: 2500 }, (_, i) => i).filter((i) => resting.has(`${i}`))
  for (const minutes of [60, 61, 119]) resting.release(minutes * 60_000)
  expect(left()[0]).toBe(1000)
  resting.release(2 * HOUR_MS)
  expect(left()[0]).toBe(2000)
  resting.release(3 * HOUR_MS)
  expect(left()).toEqual([])
})
