import { expect, test } from 'vitest'
import { marksOf, SpoolHome } from '../../../../src/records/shipping/spool-home.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { failingFiles } from '../../../helpers/failing-files.ts'

const rig = (mark?: string) => {
  const faults: string[] = []
  const clock = { nowMs: 0 }
  const options = { folder: '/spool', monotonic: () => clock.nowMs }
  const onFault = (_: string, detail: string) => void faults.push(detail)
  const home = new SpoolHome({ ...options, onFault }, mark)
  /** Whether it is there after a look. */
  const look = (marks: readonly string[], isMissed = true) => {
    home.look(marks, () => isMissed)
    return home.isAway ? 'away' : home.mark
  }
  return { faults, clock, look }
}

test('marksOf() finds the marks of a folder, and leaves one where there is none', () => {
  const files = new CrashFiles()
  files.mkdir('/spool')
  const [mark] = marksOf(files, '/spool', [])
  expect(files.readdir('/spool')).toEqual([mark])
  const names = [mark!, 'r0-i1-g0-1.seg', 'home-0a', 'quarantine']
  expect(marksOf(files, '/spool', names)).toEqual([mark, 'home-0a'])
  expect(files.readdir('/spool')).toEqual([mark])
})

test('marksOf() does without where there is no room for one', () => {
  const disk = new CrashFiles()
  disk.mkdir('/spool')
  const files = failingFiles(disk, () => ({ errno: 'ENOSPC' }))
  expect([marksOf(files, '/spool', []), disk.readdir('/spool')]).toEqual([[], []])
})

test('look() takes the first folder for its own, and knows it by any of its marks', () => {
  const { look, faults } = rig()
  expect(look([], false)).toBeUndefined()
  expect(look(['home-1'], false)).toBe('home-1')
  expect([look(['home-2', 'home-1']), faults]).toEqual(['home-1', []])
})

test('look() takes another one for its own, without a word, where nothing is missed', () => {
  const { look, faults } = rig('home-1')
  expect([look(['home-2'], false), look([], false), look(['home-3'], false)]).toEqual([
    ...['home-2', undefined, 'home-3'],
  ])
  expect(faults).toEqual([])
})

test('look() waits ten minutes for it, each time it is away, and then takes the other one', () => {
  const { look, clock, faults } = rig('home-1')
  // Nor is it the other one because replicas have begun to write there.
  expect([look(['home-2']), look(['home-2'], false)]).toEqual(['away', 'away'])
  clock.nowMs = 599_999
  expect([look([]), look(['home-1']), look([])]).toEqual(['away', 'home-1', 'away'])
  clock.nowMs += 599_999
  expect(look(['home-2'])).toBe('away')
  clock.nowMs += 1
  expect([look(['home-2']), look(['home-2'])]).toEqual(['home-2', 'home-2'])
  expect(faults).toHaveLength(3)
})

test('look() waits for one of a state that knows no mark, where something is missed', () => {
  const { look } = rig()
  expect([look(['home-2']), look(['home-1'], false)]).toEqual(['away', 'home-1'])
})

test('look() knows one that it was given up for, though there is none or it cannot be marked', () => {
  const { look, clock, faults } = rig('home-1')
  look([])
  clock.nowMs = 600_000
  expect([look([]), look([]), faults.length]).toEqual(['', '', 2])
  clock.nowMs = 5e6
  expect([look([]), faults.length]).toEqual(['', 2])
  expect([look(['home-2'], false), look(['home-3']), faults.length]).toEqual(['home-2', 'away', 3])
})

test('look() waits for the one that it had where that has no mark, and something is missed', () => {
  const { look } = rig('')
  expect([look([]), look(['home-2']), look([])]).toEqual(['', 'away', ''])
})
