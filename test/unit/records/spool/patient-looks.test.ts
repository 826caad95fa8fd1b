import { expect, test } from 'vitest'
import { PatientLooks } from '../../../../src/records/spool/patient-looks.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { spoilInodes } from '../../../helpers/records/bad-pages.ts'
import { putFile } from '../../../helpers/segments.ts'

const rig = (bad: readonly string[], tookMs: number) => {
  const files = new CrashFiles()
  const clock = { nowMs: 0, asked: 0, isAway: true }
  files.mkdir('/spool')
  for (const name of ['a', 'b', 'c', 'd']) putFile(files, `/spool/${name}`, new Uint8Array(5))
  const paths = bad.map((name) => `/spool/${name}`)
  spoilInodes(files, paths, {
    isAway: () => clock.isAway,
    onAsked: () => {
      clock.asked++
      clock.nowMs += tookMs
    },
  })
  const looks = new PatientLooks({ files, folder: '/spool', monotonic: () => clock.nowMs })
  /** Bytes of each; a minus: as it was, since it could not be seen now. */
  const look = (names = ['a', 'b', 'c', 'd']) => {
    const found = looks.look(names)
    return names.map((name) => {
      const { stat, isSeen } = found.get(name)!
      return isSeen ? String(stat?.bytes) : `-${stat?.bytes}`
    })
  }
  return { files, clock, look }
}

test('look() asks for one in vain at a time, and then for the others', () => {
  const { clock, look } = rig(['b', 'c'], 7000)
  const asked = Array.from({ length: 3 }, () => [look().join(' '), clock.asked])
  expect(asked).toEqual([
    ['5 -undefined -undefined -undefined', 1],
    ['5 -undefined -undefined -undefined', 2],
    ['5 -undefined -undefined 5', 2],
  ])
  clock.nowMs += 1e6
  expect([look(), clock.asked]).toEqual([['5', '-undefined', '-undefined', '5'], 3])
})

test('look() sees what can be seen again, and knows what it was', () => {
  const { files, clock, look } = rig(['b'], 7000)
  clock.isAway = false
  expect(look()).toEqual(['5', '5', '5', '5'])
  clock.isAway = true
  expect([look(), look()]).toEqual([
    ['5', '-5', '-5', '-5'],
    ['5', '-5', '5', '5'],
  ])
  clock.isAway = false
  clock.nowMs += 1e6
  putFile(files, '/spool/b', new Uint8Array(8))
  expect(look()).toEqual(['5', '8', '5', '5'])
})

test('look() forgets one that has gone, and one of its name is new', () => {
  const { files, clock, look } = rig(['b'], 7000)
  look()
  look(['a', 'c'])
  clock.isAway = false
  expect(look(['a', 'b'])).toEqual(['5', '5'])
  files.unlink('/spool/b')
  expect(look(['a', 'b'])).toEqual(['5', 'undefined'])
})

test('look() of what is refused at once asks for all, each time', () => {
  const { clock, look } = rig(['b', 'c'], 0)
  expect([look(), look(), clock.asked]).toEqual([
    ...[['5', '-undefined', '-undefined', '5'], ['5', '-undefined', '-undefined', '5'], 4],
  ])
})
