import { expect, test } from 'vitest'
import { markFolder, marksIn, SpoolHome } from '../../../../src/records/shipping/spool-home.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'

const rig = (mark?: string) => {
  const faults: string[] = []
  const clock = { nowMs: 0 }
  const options = { folder: '/spool', monotonic: () => clock.nowMs }
  const onFault = (_: string, detail: string) => void faults.push(detail)
  return { faults, clock, home: new SpoolHome({ ...options, onFault }, mark) }
}

test('markFolder() leaves a mark that marksIn() finds, each time another one', () => {
  const files = new CrashFiles()
  files.mkdir('/spool')
  const marks = [markFolder(files, '/spool'), markFolder(files, '/spool')]
  expect(new Set(marks).size).toBe(2)
  expect(marksIn([...files.readdir('/spool'), 'r0-i1-g0-1.seg', 'quarantine'])).toEqual(marks)
})

test('look() takes the first folder for its own, and knows it by any of its marks', () => {
  const { home, faults } = rig()
  expect([home.look([]), home.mark]).toEqual(['home', undefined])
  expect([home.look(['home-1']), home.mark]).toEqual(['home', 'home-1'])
  expect([home.look(['home-2', 'home-1']), home.isAway, faults]).toEqual(['home', false, []])
  // Nothing is missed of it: a disk that is mounted late at the first start of all.
  expect([home.look(['home-3'], false), home.mark, home.look([])]).toEqual([
    ...['home', 'home-3', 'away'],
  ])
})

test('look() waits ten minutes for it, each time it is away, and then takes the other one', () => {
  const { home, clock, faults } = rig('home-1')
  expect([home.look(['home-2']), home.isAway]).toEqual(['away', true])
  clock.nowMs = 599_999
  expect([home.look([]), home.look(['home-1']), home.isAway]).toEqual(['away', 'home', false])
  expect(home.look([])).toBe('away')
  clock.nowMs += 600_000
  expect([home.look(['home-2']), home.mark, home.look(['home-2'])]).toEqual([
    ...['gone', 'home-2', 'home'],
  ])
  expect(faults).toHaveLength(3)
})
