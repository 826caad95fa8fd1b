import { rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { PredictionRecord } from '../../../../src/records/record.ts'
import { systemFiles } from '../../../../src/records/spool/file-calls.ts'
import { segmentName } from '../../../../src/records/spool/segment-names.ts'
import { SpoolTail } from '../../../../src/records/tail/spool-tail.ts'
import { HEADER, SEAL, segmentBytes } from '../../../helpers/segments.ts'
import { recordFrames, type SpooledRecord, writeSegment } from '../../../helpers/spooled-records.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const at = (sequence: number, timeMs = sequence): SpooledRecord => ({ sequence, timeMs })

const tailOf = (folder: string) => {
  const tail = new SpoolTail(systemFiles, folder)
  const poll = (): number[] => {
    const found: PredictionRecord[] = []
    tail.poll((record) => found.push(record))
    return found.map(({ sequence }) => sequence)
  }
  return { tail, poll }
}

test('poll() of a folder that does not exist finds nothing, and what comes there later', () => {
  const folder = join(makeTempDir('spool'), 'spool')
  const { poll } = tailOf(folder)
  expect(poll()).toEqual([])
  writeSegment(folder, recordFrames([at(1)]))
  expect(poll()).toEqual([1])
})

test('poll() gives the records of the thread that wrote them', () => {
  const folder = makeTempDir('spool')
  writeSegment(folder, recordFrames([{ sequence: 5, timeMs: 7, role: 'shadow' }]))
  const found: PredictionRecord[] = []
  new SpoolTail(systemFiles, folder).poll((record) => found.push(record))
  expect(found).toMatchObject([
    {
      ...{ predictionId: 'g7q2.1.0-3-5', producer: 'g7q2.1.0-3', sequence: 5, timeMs: 7 },
      ...{ role: 'shadow', endpoint: 'flights', variant: 'v3', version: 3 },
      instances: [{ features: { age: 41, color: 'red' }, prediction: 'yes' }],
    },
  ])
})

test('poll() follows a segment that grows by bytes, and gives nothing twice', () => {
  const folder = makeTempDir('spool')
  const frames = [...recordFrames([at(1), at(2)], [at(3)]), SEAL]
  const { tail, poll } = tailOf(folder)
  const seen: number[] = []
  const { length } = segmentBytes(frames)
  for (let bytes = 0; bytes <= length; bytes += 8) {
    writeSegment(folder, frames, {}, bytes)
    seen.push(...poll())
  }
  expect(seen).toEqual([1, 2, 3])
  expect(tail.faults).toBe(0)
  expect(tail.unread()).toEqual([])
})

test('poll() goes from segment to segment, of several replicas', () => {
  const folder = makeTempDir('spool')
  const { poll } = tailOf(folder)
  writeSegment(folder, [...recordFrames([at(1)]), SEAL])
  writeSegment(folder, recordFrames([at(7)]), { replica: 2 })
  expect(poll()).toEqual([1, 7])
  writeSegment(folder, recordFrames([at(2)]), { number: 2 })
  writeSegment(folder, recordFrames([at(7)], [at(8)]), { replica: 2 })
  expect(poll()).toEqual([2, 8])
  rmSync(join(folder, segmentName(HEADER)))
  expect(poll()).toEqual([])
})

test('poll() tries again what looked wrong, once it has changed', () => {
  const folder = makeTempDir('spool')
  const path = join(folder, segmentName(HEADER))
  const frames = recordFrames([at(1)], [at(2)])
  const half = segmentBytes(frames)
  half.fill(0xff, half.length - 16)
  systemFiles.write(systemFiles.open(path, 'w'), half, 0)
  const { tail, poll } = tailOf(folder)
  expect(poll()).toEqual([1])
  expect(tail.faults).toBe(1)
  expect(poll()).toEqual([])
  writeSegment(folder, frames)
  utimesSync(path, 1, 1)
  expect(poll()).toEqual([2])
  expect(tail.faults).toBe(1)
  expect(tail.unread()).toHaveLength(1)
})

test('poll() counts what cannot be read, and gives the rest', () => {
  const folder = makeTempDir('spool')
  const [layout, records, more] = recordFrames([at(1)], [at(2)])
  writeSegment(folder, [records!, layout!, more!])
  const { tail, poll } = tailOf(folder)
  expect(poll()).toEqual([2])
  expect(tail.faults).toBe(1)
})

test('skip() leaves out what is there, and nothing that comes', () => {
  const folder = makeTempDir('spool')
  writeSegment(folder, [...recordFrames([at(1)]), SEAL])
  writeSegment(folder, recordFrames([at(2)]), { number: 2 })
  const { tail, poll } = tailOf(folder)
  const unread = tail.unread()
  expect(unread.map(({ isLatest }) => isLatest)).toEqual([false, true])
  for (const segment of unread) tail.skip(segment)
  expect(poll()).toEqual([])
  writeSegment(folder, recordFrames([at(2)], [at(3)]), { number: 2 })
  expect(poll()).toEqual([3])
  tail.close()
})
