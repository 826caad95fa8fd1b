import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ENTRY_DOUBLE, ENTRY_HEADER_BYTES } from '../../../../src/records/entry.ts'
import { GAP_REASON } from '../../../../src/records/reasons.ts'
import { RING_WORD, SPOOL_STATE } from '../../../../src/records/ring/record-ring.ts'
import { SPOOL_FIGURE } from '../../../../src/records/spool/spool-memory.ts'
import { faultsOf, readSpool } from '../../../helpers/spool-content.ts'
import {
  FOLDER,
  folderBytes,
  makeWorld,
  produce,
  segmentFiles,
} from '../../../helpers/spool-rig.ts'

/** Where an entry has its sequence, a double. */
const SEQUENCE_AT = 8 * ENTRY_DOUBLE.SEQUENCE

test('what is in the rings is in a segment, with layouts, accounts and a last word', () => {
  const { disk, rig } = makeWorld()
  rig.spool.begin()
  produce(rig, 20)
  rig.producers[1]!.skip(GAP_REASON.SAMPLED)
  rig.producers[1]!.flush()
  produce(rig, 3, 1000, 1)
  rig.work()
  expect(rig.spool.isEmpty).toBe(true)
  expect(rig.producers.map((each) => each.durable().length)).toEqual([20, 3])
  rig.producers[1]!.skip(GAP_REASON.DISABLED)
  rig.producers[1]!.flush()
  expect(rig.spool.finish()).toBe(true)
  expect(segmentFiles(disk)).toEqual(['r0-i1-g0-1.seg'])
  expect(readSpool(disk, FOLDER).segments[0]!.read.end).toBe('sealed')
  expect(faultsOf(rig, readSpool(disk, FOLDER))).toEqual([])
  expect(rig.figures[SPOOL_FIGURE.RECORDS]).toBe(23)
  expect(rig.figures[SPOOL_FIGURE.BYTES]).toBe(folderBytes(disk) - 16)
  expect(disk.openFiles).toBe(0)
  expect([rig.states, rig.faults]).toEqual([[], []])
})

test('producers are known from the start, though they write nothing', () => {
  const { disk, rig } = makeWorld()
  expect(rig.spool.begin()).toBe('worked')
  expect([...readSpool(disk, FOLDER).producers.keys()]).toEqual(['0.0-1', '0.1-1'])
  expect(rig.spool.step()).toBe('idle')
})

test('what was taken is said once a second, though nothing comes of it', () => {
  const { disk, rig, clock } = makeWorld()
  rig.spool.begin()
  produce(rig, 1)
  rig.work()
  rig.producers[0]!.skip(GAP_REASON.SAMPLED)
  expect(rig.spool.step()).toBe('idle')
  clock.pass(1001)
  expect(rig.spool.step()).toBe('worked')
  expect(readSpool(disk, FOLDER).producers.get('0.0-1')).toMatchObject({ floor: 2, taken: 2 })
  expect(rig.spool.step()).toBe('idle')
})

describe('a segment ends', () => {
  test('when it is large enough', () => {
    const { disk, rig } = makeWorld()
    for (let i = 0; i < 10; i++) {
      produce(rig, 20)
      rig.work()
    }
    rig.spool.finish()
    expect(segmentFiles(disk).length).toBeGreaterThan(3)
    for (const { read } of readSpool(disk, FOLDER).segments) {
      expect(read.end).toBe('sealed')
      expect(read.fileBytes).toBeLessThan(16 * 1024 + 20 * 400)
    }
    expect(faultsOf(rig, readSpool(disk, FOLDER))).toEqual([])
  })

  test('when it is old, and no other begins before there is something to write', () => {
    const { disk, rig, clock } = makeWorld()
    produce(rig, 1)
    rig.work()
    clock.pass(59_000)
    rig.work()
    expect(readSpool(disk, FOLDER).segments[0]!.read.end).toBe('open')
    clock.pass(1000)
    rig.work()
    expect(readSpool(disk, FOLDER).segments[0]!.read.end).toBe('sealed')
    clock.pass(600_000)
    rig.work()
    expect(segmentFiles(disk)).toEqual(['r0-i1-g0-1.seg'])
    produce(rig, 1)
    rig.work()
    expect(segmentFiles(disk)).toEqual(['r0-i1-g0-1.seg', 'r0-i1-g0-2.seg'])
  })
})

test('more than one batch is written by several steps, each ring in its turn', () => {
  const { disk, rig } = makeWorld({ ringBytes: 4 * 1024 * 1024, segmentBytesMax: 2 ** 24 })
  for (const thread of [0, 1]) produce(rig, 40, 60_000, thread)
  expect(rig.spool.step()).toBe('more')
  expect(rig.spool.step()).toBe('more')
  const durable = rig.producers.map((each) => each.durable().length)
  expect(Math.min(...durable)).toBeGreaterThan(10)
  rig.work()
  rig.spool.finish()
  expect(faultsOf(rig, readSpool(disk, FOLDER))).toEqual([])
})

test('an entry as large as half of the ring is written', () => {
  const { disk, rig } = makeWorld({ ringBytes: 4 * 1024 * 1024 })
  produce(rig, 1, 2 * 1024 * 1024 - ENTRY_HEADER_BYTES)
  produce(rig, 1, 100, 1)
  rig.work()
  expect(rig.spool.finish()).toBe(true)
  expect(faultsOf(rig, readSpool(disk, FOLDER))).toEqual([])
})

test('under power, nothing is promised before its segment has its name on the disk', () => {
  const { disk, rig } = makeWorld({ durability: 'power' })
  produce(rig, 3)
  rig.work()
  expect(rig.producers[0]!.durable().length).toBe(3)
  disk.failPower(() => false)
  expect(readSpool(disk, FOLDER).producers.get('0.0-1')!.present.size).toBe(3)
})

test('a thread that wants to be woken is, when its records are safe or the state has changed', () => {
  let isFull = false
  const { rig } = makeWorld({}, (call) => (isFull && call === 'write' ? { errno: 'ENOSPC' } : null))
  const [own, other] = rig.producers.map(({ ring }) => ring.head)
  produce(rig, 1)
  rig.work()
  expect(rig.woken).toEqual([])
  Atomics.store(own!, RING_WORD.WANTS_WAKE, 1)
  rig.work()
  expect(rig.woken).toEqual([])
  produce(rig, 1)
  rig.work()
  expect(rig.woken).toEqual([0])
  expect(Atomics.load(own!, RING_WORD.WANTS_WAKE)).toBe(0)
  Atomics.store(other!, RING_WORD.WANTS_WAKE, 1)
  isFull = true
  produce(rig, 1)
  rig.work()
  expect(rig.woken).toEqual([0, 1])
  expect(Atomics.load(other!, RING_WORD.SPOOL_STATE)).toBe(SPOOL_STATE.DISK_FULL)
})

test('another spool thread goes on where the one before has died', () => {
  const { disk, rig } = makeWorld()
  produce(rig, 30)
  rig.work()
  produce(rig, 30)
  rig.replace(disk)
  produce(rig, 30)
  rig.work()
  expect(rig.spool.finish()).toBe(true)
  expect(segmentFiles(disk)).toEqual(['r0-i1-g0-1.seg', 'r0-i1-g1-1.seg', 'r0-i1-g1-2.seg'])
  expect(faultsOf(rig, readSpool(disk, FOLDER))).toEqual([])
})

describe('an entry that cannot be kept is a gap', () => {
  test('because it is damaged', () => {
    const { disk, rig } = makeWorld()
    produce(rig, 3)
    rig.producers[0]!.ring.bytes[400 + ENTRY_HEADER_BYTES]! ^= 1
    rig.work()
    rig.spool.finish()
    const found = readSpool(disk, FOLDER).producers.get('0.0-1')!
    expect([...found.present.keys()]).toEqual([1, 3])
    expect(found.gaps).toEqual([{ from: 2, to: 2, reason: GAP_REASON.CORRUPT }])
    expect(found.floor).toBe(4)
    expect(rig.figures[SPOOL_FIGURE.FAILED + GAP_REASON.CORRUPT]).toBe(1)
    expect(rig.figures[SPOOL_FIGURE.RECORDS]).toBe(2)
  })

  test('because nobody knows its layout', () => {
    const { disk, rig } = makeWorld()
    rig.producers[0]!.produce(10, 99)
    rig.producers[0]!.produce(10, 1)
    rig.work()
    const found = readSpool(disk, FOLDER).producers.get('0.0-1')!
    expect([...found.present.keys()]).toEqual([2])
    expect(found.gaps).toEqual([{ from: 1, to: 1, reason: GAP_REASON.CORRUPT }])
  })

  test('because it could not be redacted: it goes nowhere', () => {
    const { disk, rig } = makeWorld({}, () => null, {
      redactorOf: () => ({
        concerns: (words, from) => words[(from + SEQUENCE_AT + 4) >> 2]! !== 0x4008_0000,
        redact: (entry) => {
          if (entry[SEQUENCE_AT + 6] === 0xf0) return entry.fill(7, ENTRY_HEADER_BYTES)
          throw new Error('this one not')
        },
      }),
    })
    for (let i = 0; i < 3; i++) rig.producers[0]!.produce(10, 1)
    rig.work()
    const found = readSpool(disk, FOLDER).producers.get('0.0-1')!
    expect(found.present.get(3)![0]).toEqual(rig.producers[0]!.written.get(3)!.entry)
    expect(found.present.get(1)![0]!.subarray(ENTRY_HEADER_BYTES)).toEqual(
      new Uint8Array(16).fill(7),
    )
    expect(found.gaps).toEqual([{ from: 2, to: 2, reason: GAP_REASON.CORRUPT }])
  })

  test('and where its sequence is not known either, it is counted', () => {
    const { rig } = makeWorld()
    produce(rig, 1)
    rig.producers[0]!.ring.doubles[10] = 77
    rig.work()
    expect(rig.spool.isEmpty).toBe(true)
    expect(rig.figures[SPOOL_FIGURE.DAMAGED]).toBe(1)
    expect(rig.faults).toEqual(['entries of data thread 0 were damaged: 1'])
    produce(rig, 1)
    rig.producers[0]!.ring.words[86] = -3
    rig.work()
    expect(rig.figures[SPOOL_FIGURE.DAMAGED]).toBe(2)
    expect(rig.spool.isEmpty).toBe(true)
  })
})

test('a segment that others delete or cut off is left, and another one begun', () => {
  const { disk, rig, clock } = makeWorld()
  produce(rig, 3)
  rig.work()
  disk.unlink(join(FOLDER, 'r0-i1-g0-1.seg'))
  clock.pass(1001)
  produce(rig, 3)
  rig.work()
  const file = disk.open(join(FOLDER, 'r0-i1-g0-2.seg'), 'r+')
  disk.ftruncate(file, 100)
  disk.close(file)
  clock.pass(1001)
  produce(rig, 3)
  rig.work()
  expect(segmentFiles(disk)).toEqual(['r0-i1-g0-2.seg', 'r0-i1-g0-3.seg'])
  expect(rig.faults.length).toBe(2)
  expect(readSpool(disk, FOLDER).producers.get('0.0-1')!.present.size).toBe(3)
})

test('a folder that is deleted as a whole is made again', () => {
  const { disk, rig, clock } = makeWorld()
  produce(rig, 3)
  rig.work()
  disk.rename(FOLDER, '/state/elsewhere')
  clock.pass(1001)
  rig.work()
  produce(rig, 3)
  rig.work()
  expect(segmentFiles(disk)).toEqual(['r0-i1-g0-2.seg'])
  expect(readSpool(disk, FOLDER).producers.get('0.0-1')!.present.size).toBe(3)
  expect(rig.faults.length).toBe(1)
})

test('layouts are forgotten once no entry in a ring can name them', () => {
  const { rig } = makeWorld()
  produce(rig, 1)
  const ends = rig.producers.map(({ ring }) => Atomics.load(ring.head, RING_WORD.WRITTEN))
  rig.layouts.dropAfter([1], ends)
  rig.layouts.sweep(rig.producers.map(({ ring }) => Atomics.load(ring.head, RING_WORD.READ)))
  expect(rig.layouts.find(1)).not.toBeNull()
  rig.work()
  expect([1, 2].map((id) => rig.layouts.find(id) !== null)).toEqual([false, true])
})

describe('the last word', () => {
  const endsOf = (disk: ReturnType<typeof makeWorld>['disk']) =>
    [...readSpool(disk, FOLDER).producers].flatMap(([id, { hasEnded }]) => (hasEnded ? [id] : []))

  test('is not said of a thread that serves on', () => {
    const { disk, rig } = makeWorld()
    produce(rig, 5)
    produce(rig, 5, 300, 1)
    expect(rig.spool.finish([1])).toBe(true)
    expect(endsOf(disk)).toEqual(['0.1-1'])
    expect(readSpool(disk, FOLDER).segments[0]!.read.end).toBe('sealed')
    expect(rig.producers.map((each) => each.durable().length)).toEqual([5, 5])
  })

  test('is not said of a thread that died with something unsaid', () => {
    const { disk, rig } = makeWorld()
    produce(rig, 5)
    rig.producers[0]!.skip(GAP_REASON.SAMPLED)
    expect(rig.spool.finish([0, 1])).toBe(true)
    expect(endsOf(disk)).toEqual(['0.1-1'])
  })

  test('does not wait for a thread that writes all the time', () => {
    const { disk, rig } = makeWorld()
    const { step } = rig.spool
    rig.spool.step = () => 'more'
    produce(rig, 5)
    expect(rig.spool.finish([1])).toBe(true)
    expect(endsOf(disk)).toEqual(['0.1-1'])
    rig.spool.step = step
  })
})
