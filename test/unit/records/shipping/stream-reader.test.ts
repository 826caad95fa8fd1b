import { expect, test } from 'vitest'
import type { FrameSink } from '../../../../src/records/shipping/frame-sink.ts'
import { listStreams } from '../../../../src/records/shipping/spool-folder.ts'
import { StreamReader } from '../../../../src/records/shipping/stream-reader.ts'
import { Refusals } from '../../../../src/records/spool/refusals.ts'
import { FRAME } from '../../../../src/records/spool/segment-format.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { failingFiles } from '../../../helpers/failing-files.ts'
import { spoilPages } from '../../../helpers/records/bad-pages.ts'
import { ended, records } from '../../../helpers/records/frames.ts'
import { layoutFrame } from '../../../helpers/records/shipping-world.ts'
import { HEADER, putFile, readFrames, SEAL, segmentBytes } from '../../../helpers/segments.ts'

const MIB = 2 ** 20
const SPOOL = '/spool'

test('what is under way goes on where it was, however often others of its stream are due', () => {
  const disk = new CrashFiles()
  disk.mkdir(SPOOL)
  putFile(disk, `${SPOOL}/r1-i3-g0-1.seg`, segmentBytes([layoutFrame(), records(1, 3), SEAL]))
  spoilPages(disk, `${SPOOL}/r1-i3-g0-1.seg`, [0])
  const long = { kind: FRAME.RECORDS, bytes: new Uint8Array(20 * MIB) }
  const bytes = segmentBytes([layoutFrame(), long, records(4, 6), ended(6), SEAL], {
    ...{ ...HEADER, number: 2 },
  })
  putFile(disk, `${SPOOL}/r1-i3-g0-2.seg`, bytes)
  const { from } = readFrames(disk, `${SPOOL}/r1-i3-g0-2.seg`).frames[1]!
  const file = disk.open(`${SPOOL}/r1-i3-g0-2.seg`, 'r+')
  disk.write(file, new Uint8Array(64), 0, 64, from)
  disk.close(file)

  let readBytes = 0
  const files = failingFiles(disk, () => null)
  const { read } = files
  files.read = (...args) => {
    readBytes += args[3]
    return read(...args)
  }
  let nowMs = 0
  let looks = 0
  const given: number[] = []
  const sink: FrameSink = {
    ...{ passedOver: new Refusals(() => nowMs, 9), lookedMs: 0 },
    begin: () => 'take',
    frame: ({ frame }) => given.push(frame.kind) > 0,
    // A few looks at a time, and half a minute until the next.
    goesOn: () => looks++ < 4,
    fault: () => {},
    changed: () => {},
    end: () => {},
  }
  const world = { files, folder: SPOOL, isAlive: () => false }
  const reader = new StreamReader(
    { ...world, now: () => 0, monotonic: () => nowMs },
    HEADER.process,
  )
  reader.askAlive()
  const stream = listStreams(disk.readdir(SPOOL))[0]!
  for (let times = 0; times < 20; times++) {
    reader.read(stream, sink)
    looks = 0
    nowMs += 31_000
  }
  reader.close()
  expect(given).toEqual([FRAME.RECORDS, FRAME.END])
  expect(readBytes).toBeLessThan(1.2 * bytes.length)
})
