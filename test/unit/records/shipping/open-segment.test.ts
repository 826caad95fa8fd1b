import { expect, test } from 'vitest'
import { OpenSegment } from '../../../../src/records/shipping/open-segment.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { spoilPages } from '../../../helpers/records/bad-pages.ts'
import { records } from '../../../helpers/records/frames.ts'
import { LAYOUT, layoutFrame } from '../../../helpers/records/shipping-world.ts'
import { putFile, SEAL, segmentBytes } from '../../../helpers/segments.ts'

const DAY_MS = 86_400_000
const FILE = 'a.seg'

/** A segment that is read to its end, whose second page cannot be read. */
const readAll = (unreadableMs: number) => {
  const files = new CrashFiles()
  putFile(files, `/${FILE}`, segmentBytes([layoutFrame(), records(1, 90), records(91, 92), SEAL]))
  spoilPages(files, `/${FILE}`, [5000])
  const world = { files, folder: '/', monotonic: () => 0 }
  const open = new OpenSegment(world, FILE, { offset: 0, done: null, unreadableMs })
  while (open.reader.next() !== null);
  const { end } = open.reader
  open.reader.close()
  return { open, end }
}

test('what a disk has not given for less than a day may come', () => {
  const { open, end } = readAll(DAY_MS - 1)
  expect([open.isLastTime, end, open.isLostIn(end)]).toEqual([false, 'unreadable', false])
  expect(open.faults(end, 'wait')).toEqual(['it cannot be read (EIO)'])
})

test('what it has not given for a day is lost, and only that', () => {
  const { open, end } = readAll(DAY_MS)
  expect([open.isLastTime, end, open.isLostIn(end)]).toEqual([true, 'corrupt', true])
  expect(open.faults('corrupt', 'quarantine')).toEqual([
    'for a day the disk has not given 4096 bytes of it: they are lost',
    expect.stringMatching(/^the rest is lost: corrupt a wrong checksum at \d+$/),
  ])
})

test('what is passed over is lost in none', () => {
  const { open } = readAll(DAY_MS)
  open.isPassedOver = true
  expect(open.isLostIn('unreadable')).toBe(false)
  expect(open.faults('unreadable', 'wait').at(-1)).toMatch(/the shipper has ended again and again/)
})

test('takeLayout() knows a layout from then on, or says why not', () => {
  const { open } = readAll(0)
  expect(open.takeLayout(layoutFrame().bytes!)).toBeNull()
  expect([...open.layouts.keys()]).toEqual([LAYOUT.id])
  expect(open.takeLayout(new Uint8Array(16))).not.toBeNull()
  expect(open.isNewer).toBe(false)
})

test('lookBehind() says what a disk does not let it see, until its day is over', () => {
  for (const [unreadableMs, isUnseen] of [[0, true] as const, [DAY_MS, false] as const]) {
    const files = new CrashFiles()
    putFile(files, `/${FILE}`, new Uint8Array(9000))
    spoilPages(files, `/${FILE}`, [5000])
    const place = { offset: 0, done: null, unreadableMs }
    const open = new OpenSegment({ files, folder: '/', monotonic: () => 0 }, FILE, place)
    expect([open.lookBehind(9000), open.isRestUnseen]).toEqual([false, false])
    expect([open.lookBehind(0), open.isRestUnseen]).toEqual([true, isUnseen])
    expect(open.detail).toBe(isUnseen ? 'EIO' : '')
  }
})
