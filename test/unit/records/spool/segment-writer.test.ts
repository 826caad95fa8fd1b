import { expect, test } from 'vitest'
import type { FileCalls } from '../../../../src/records/spool/file-calls.ts'
import { FrameStage } from '../../../../src/records/spool/frame-stage.ts'
import { SegmentWriter } from '../../../../src/records/spool/segment-writer.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { failingFiles, nthFailure } from '../../../helpers/failing-files.ts'
import { HEADER, readFrames, someBytes } from '../../../helpers/segments.ts'

const PATH = '/spool/a.seg'

const makeFiles = (): CrashFiles => {
  const files = new CrashFiles()
  files.mkdir('/spool')
  const root = files.open('/', 'r')
  files.fsync(root)
  files.close(root)
  return files
}

/** Three frames of 116 bytes and the header: of one write. */
const stageAt = (writer: SegmentWriter, seed: number, headerCheck = 0): FrameStage => {
  const stage = new FrameStage()
  stage.reset(writer.bytes, headerCheck)
  if (writer.bytes === 0) stage.header(HEADER)
  for (let i = 0; i < 3; i++) {
    stage.begin(50 + seed + i)
    stage.append(someBytes(100, seed + i), 0, 100)
    stage.end()
  }
  return stage
}

const kindsIn = (files: CrashFiles): number[] =>
  readFrames(files, PATH).frames.map(({ kind }) => kind)

test('frames that are appended are there, in order', () => {
  const files = makeFiles()
  const writer = new SegmentWriter(files, PATH)
  const first = stageAt(writer, 0)
  expect(writer.append(first)).toEqual({ bytes: first.length, error: null })
  expect(writer.append(stageAt(writer, 3, first.headerCheck)).error).toBeNull()
  expect(kindsIn(files)).toEqual([50, 51, 52, 53, 54, 55])
  writer.close()
  expect(files.openFiles).toBe(0)
  expect(() => new SegmentWriter(files, PATH)).toThrow('EEXIST')
})

test('a disk that is full in the middle of a write leaves whole frames, and more come later', () => {
  for (let part = 0; part <= 5; part++) {
    const files = makeFiles()
    let isFull = false
    let budget = 0
    const full = {
      ...failingFiles(files, () => null),
      write: (file: number, bytes: Uint8Array, offset: number, length = 0, position = 0) => {
        const room = isFull ? Math.min(length, budget) : length
        budget -= room
        if (room === 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
        return files.write(file, bytes, offset, room, position)
      },
    } as FileCalls
    const writer = new SegmentWriter(full, PATH)
    const first = stageAt(writer, 0)
    writer.append(first)
    isFull = true
    budget = part * 70
    const { bytes, error } = writer.append(stageAt(writer, 3, first.headerCheck))
    const whole = Math.floor((part * 70) / 120)
    expect([bytes, writer.bytes, writer.isBroken]).toEqual([
      whole * 120,
      first.length + whole * 120,
      false,
    ])
    expect(error === null).toBe(whole === 3)
    expect(files.stat(PATH)?.bytes).toBe(writer.bytes)
    isFull = false
    writer.append(stageAt(writer, 20, first.headerCheck))
    expect(kindsIn(files).slice(3 + whole)).toEqual([70, 71, 72])
  }
})

test.each(['EIO', 'EFBIG', 'EROFS'])('after %s the segment takes nothing more', (errno) => {
  const files = makeFiles()
  const writer = new SegmentWriter(nthFailure(files, 2, errno), PATH)
  const { bytes, error } = writer.append(stageAt(writer, 0))
  expect([bytes, writer.isBroken, error]).toEqual([0, true, expect.any(Error)])
})

test('where half a frame cannot be cut off, the segment takes nothing more', () => {
  const files = makeFiles()
  const plan = [null, { short: true }, { errno: 'ENOSPC' }, { errno: 'EIO' }] as const
  const writer = new SegmentWriter(
    failingFiles(files, (_, number) => plan[number - 1] ?? null),
    PATH,
  )
  const { bytes } = writer.append(stageAt(writer, 0))
  expect(bytes).toBeGreaterThan(0)
  expect(writer.isBroken).toBe(true)
  expect(readFrames(files, PATH).read).toMatchObject({ offset: bytes, end: 'open' })
})

test('what is synced outlives a power failure, its name too', () => {
  const files = makeFiles()
  const writer = new SegmentWriter(files, PATH)
  writer.append(stageAt(writer, 0))
  writer.sync()
  files.failPower(() => false)
  expect(kindsIn(files)).toEqual([50, 51, 52])
})

test('a failed sync ends the segment, whichever call of it failed', () => {
  for (let n = 1; n <= 3; n++) {
    const files = makeFiles()
    const writer = new SegmentWriter(
      failingFiles(files, (_, number) => (number === 2 + n ? { errno: 'EIO' } : null)),
      PATH,
    )
    writer.append(stageAt(writer, 0))
    expect(() => writer.sync()).toThrow('EIO')
    expect(writer.isBroken).toBe(true)
  }
})
