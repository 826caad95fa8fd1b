import { closeSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  identityOf,
  markIdentity,
  markRuns,
  marksFileName,
  openMarks,
  RunMark,
  readMarks,
} from '../../../src/shared/run-marks.ts'
import { atEnd } from '../../helpers/clean-up.ts'
import { propertyRuns } from '../../helpers/seeds.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const VERSIONS = [1, 2, 3].map((version) => ({ model: 'm', version, digest: `d${version}` }))
const IDENTITIES = VERSIONS.map(identityOf)

const makeFile = () => {
  const path = join(makeTempDir('marks'), marksFileName(0, 7))
  const fd = openMarks(path)
  atEnd(() => closeSync(fd))
  for (const version of VERSIONS) markIdentity(fd, version.version, version)
  return { path, fd }
}

test('identityOf() tells versions, models and contents apart', () => {
  const others = [{ model: 'n' }, { version: 2 }, { digest: 'd2' }]
  const all = [{}, ...others].map((more) => identityOf({ ...VERSIONS[0]!, ...more }))
  expect(new Set(all).size).toBe(4)
  expect(all[0]).toMatch(/^[0-9a-f]{64}$/)
})

test('readMarks() gives what is running and what ran last, and nothing that has ended', () => {
  const { path, fd } = makeFile()
  expect(readMarks(path)).toEqual([])
  const [first, second, third] = [0, 1, 2047].map((slot) => new RunMark(fd, slot)) as [
    RunMark,
    RunMark,
    RunMark,
  ]
  first.ran(1)
  second.begin(2)
  third.begin(3)
  third.rest()
  expect(readMarks(path)).toEqual([
    { identity: IDENTITIES[0], isRunning: false },
    { identity: IDENTITIES[1], isRunning: true },
  ])
})

test('begin() writes for the first run of a series, and after a rest', () => {
  const { path, fd } = makeFile()
  const mark = new RunMark(fd, 0)
  mark.begin(1)
  mark.begin(2)
  expect(readMarks(path)).toEqual([{ identity: IDENTITIES[1], isRunning: true }])
  writeFileSync(path, new Uint8Array(8)) // as if it had never been written
  mark.begin(2)
  expect(readFileSync(path).subarray(0, 8)).toEqual(Buffer.alloc(8))
  mark.rest()
  mark.begin(2)
  expect(readFileSync(path).subarray(0, 8)).toEqual(Buffer.from([2, 0, 0, 0, 1, 0, 0, 0]))
})

test('restUnless() ends a series for another version only', () => {
  const { path, fd } = makeFile()
  const mark = new RunMark(fd, 0)
  mark.begin(1)
  mark.restUnless(1)
  expect(readMarks(path)).toEqual([{ identity: IDENTITIES[0], isRunning: true }])
  mark.restUnless(2)
  expect(readMarks(path)).toEqual([])
  mark.begin(1)
  expect(readMarks(path)).toEqual([{ identity: IDENTITIES[0], isRunning: true }])
})

test('clear() ends what another thread has left in the slot, which rest() does not know of', () => {
  const { path, fd } = makeFile()
  new RunMark(fd, 0).begin(1)
  const mark = new RunMark(fd, 0)
  mark.rest()
  expect(readMarks(path)).toEqual([{ identity: IDENTITIES[0], isRunning: true }])
  mark.clear()
  expect(readMarks(path)).toEqual([])
})

test('markRuns() writes for a short run only when another version ran before', () => {
  const { path, fd } = makeFile()
  const mark = new RunMark(fd, 0)
  const calls: string[] = []
  const handlers = { onRunStart: () => calls.push('start'), onRunEnd: () => calls.push('end') }
  const [short, long] = [false, true].map((isLong, i) => markRuns(handlers, mark, i + 1, isLong))
  short!.onRunStart()
  expect(readMarks(path)).toEqual([{ identity: IDENTITIES[0], isRunning: false }])
  writeFileSync(path, new Uint8Array(16)) // as if it had never been written
  short!.onRunEnd()
  short!.onRunStart()
  expect(readFileSync(path).subarray(0, 16)).toEqual(Buffer.alloc(16))
  long!.onRunStart()
  long!.onRunEnd()
  expect(calls).toEqual(['start', 'end', 'start', 'start', 'end'])
})

test('readMarks() takes any bytes, and what is no file', () => {
  const { path } = makeFile()
  expect(readMarks(join(path, 'none'))).toEqual([])
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      writeFileSync(path, bytes)
      readMarks(path)
    }),
    { numRuns: propertyRuns() },
  )
})

test('RunMark writes nowhere where there is no file', () => {
  expect(openMarks(join(makeTempDir('marks'), 'no', 'folder'))).toBe(0)
  new RunMark(0, 0).begin(1)
  markIdentity(0, 1, VERSIONS[0]!)
})
