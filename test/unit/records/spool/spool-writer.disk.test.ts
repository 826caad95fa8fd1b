import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { GAP_REASON } from '../../../../src/records/reasons.ts'
import { SPOOL_STATE } from '../../../../src/records/ring/record-ring.ts'
import { SPOOL_FIGURE } from '../../../../src/records/spool/spool-memory.ts'
import { spoilInodes } from '../../../helpers/records/bad-pages.ts'
import { putFile } from '../../../helpers/segments.ts'
import { fateOf, faultsOf, readSpool } from '../../../helpers/spool-content.ts'
import {
  FOLDER,
  folderBytes,
  makeWorld,
  produce,
  segmentFiles,
} from '../../../helpers/spool-rig.ts'

describe('at the bound', () => {
  const bound = { bytesMax: 64 * 1024 }

  test('nothing is written, and data threads are told; once there is room, all is', () => {
    const { disk, rig, clock } = makeWorld(bound)
    for (let i = 0; i < 30; i++) {
      produce(rig, 20)
      rig.work()
    }
    expect(rig.states).toEqual([`${SPOOL_STATE.FULL} the spool has as many bytes as it may`])
    expect(folderBytes(disk)).toBeLessThanOrEqual(bound.bytesMax + 1000)
    // What is there can be shipped, to the last byte.
    for (const { read } of readSpool(disk, FOLDER).segments) expect(read.end).toBe('sealed')
    expect(new Set(rig.producers[0]!.skipped.values())).toEqual(new Set([GAP_REASON.SPOOL_FULL]))
    const shipped = readSpool(disk, FOLDER)
    const ship = () => {
      readSpool(disk, FOLDER, shipped)
      for (const name of segmentFiles(disk)) disk.unlink(join(FOLDER, name))
      clock.pass(1001)
    }
    for (const name of segmentFiles(disk)) disk.unlink(join(FOLDER, name))
    expect(rig.spool.step()).toBe('blocked')
    for (let i = 0; i < 3; i++) {
      ship()
      rig.work()
      rig.producers[0]!.flush()
    }
    expect(rig.states[1]).toBe('0 ')
    ship()
    expect(rig.spool.finish()).toBe(true)
    const found = readSpool(disk, FOLDER, shipped).producers.get('0.0-1')!
    for (let sequence = 1; sequence <= rig.producers[0]!.taken; sequence++) {
      expect(fateOf(found, sequence)).not.toBe('hole')
    }
  })

  test('it is well again by itself, though nobody produces', () => {
    const { disk, rig, clock } = makeWorld(bound)
    disk.mkdir(FOLDER)
    const file = disk.open(join(FOLDER, 'r7-i1-g0-1.seg'), 'w')
    disk.write(file, new Uint8Array(bound.bytesMax + 1), 0)
    expect(rig.spool.begin()).toBe('blocked')
    disk.unlink(join(FOLDER, 'r7-i1-g0-1.seg'))
    clock.pass(1001)
    expect(rig.spool.step()).toBe('worked')
    expect(rig.states.length).toBe(2)
  })

  test('the last word may take one segment more, and no other', () => {
    const { disk, rig } = makeWorld(bound)
    for (let i = 0; i < 11; i++) {
      produce(rig, 20)
      rig.work()
    }
    expect(rig.states.length).toBe(1)
    expect(rig.spool.isEmpty).toBe(false)
    expect(rig.spool.finish()).toBe(true)
    expect(faultsOf(rig, readSpool(disk, FOLDER))).toEqual([])
    expect(folderBytes(disk)).toBeLessThan(bound.bytesMax + rig.settings.segmentBytesMax + 1000)
  })

  test('what is no segment does not count', () => {
    const { disk, rig } = makeWorld(bound)
    disk.mkdir(FOLDER)
    disk.mkdir(join(FOLDER, 'r7-i1-g0-1.seg'))
    const file = disk.open(join(FOLDER, 'other'), 'w')
    disk.write(file, new Uint8Array(2 * bound.bytesMax), 0)
    expect(rig.spool.begin()).toBe('worked')
  })
})

test('a full disk costs what finds no room in the ring, and is tried once a second', () => {
  let isFull = false
  let writes = 0
  const { disk, rig, clock } = makeWorld({}, (call) => {
    if (call !== 'write') return null
    writes++
    return isFull ? { errno: 'ENOSPC' } : null
  })
  produce(rig, 10)
  rig.work()
  isFull = true
  produce(rig, 300)
  rig.work()
  expect(rig.states).toEqual([`${SPOOL_STATE.DISK_FULL} ENOSPC`])
  writes = 0
  for (let i = 0; i < 50; i++) {
    produce(rig, 1)
    rig.work()
    clock.pass(100)
  }
  expect(writes).toBeLessThanOrEqual(5)
  isFull = false
  clock.pass(1000)
  rig.work()
  rig.producers[0]!.flush()
  expect(rig.states.at(-1)).toBe('0 ')
  expect(rig.spool.finish()).toBe(true)
  expect([...rig.producers[0]!.skipped.values()]).toContain(GAP_REASON.DISK_FULL)
  expect(faultsOf(rig, readSpool(disk, FOLDER))).toEqual([])
})

describe('a failed fsync', () => {
  test('once: what was not promised is written again elsewhere, and nobody hears of it', () => {
    let syncs = 0
    const { disk, rig } = makeWorld({ durability: 'power' }, (call) =>
      call === 'fsync' && ++syncs === 6 ? { errno: 'EIO' } : null,
    )
    for (let i = 0; i < 5; i++) {
      produce(rig, 5)
      rig.work()
    }
    expect(syncs).toBeGreaterThan(6)
    expect([rig.states, rig.faults]).toEqual([[], ['a segment was given up: EIO']])
    expect(segmentFiles(disk).length).toBe(2)
    disk.failPower(() => false)
    const found = readSpool(disk, FOLDER).producers.get('0.0-1')!
    expect([...found.present.keys()].sort((a, b) => a - b)).toEqual(rig.producers[0]!.durable())
    expect(rig.producers[0]!.durable().length).toBe(25)
  })

  test('always: nothing is promised, and the disk does not fill', () => {
    const { disk, rig, clock } = makeWorld({ durability: 'power' }, (call) =>
      call === 'fsync' ? { errno: 'EIO' } : null,
    )
    for (let i = 0; i < 20; i++) {
      produce(rig, 5)
      rig.work()
      clock.pass(1000)
    }
    expect(rig.producers[0]!.durable()).toEqual([])
    expect(rig.states).toEqual([`${SPOOL_STATE.IO_ERROR} EIO`])
    expect(segmentFiles(disk)).toEqual([])
    expect(rig.spool.finish()).toBe(false)
    expect(rig.spool.giveUp()).toBe(100)
    expect(rig.figures[SPOOL_FIGURE.FAILED + GAP_REASON.IO_ERROR]).toBe(100)
    expect(disk.openFiles).toBe(0)
  })
})

test('a segment to which nothing could be written is given up: none is empty that has a writer', () => {
  let isFull = true
  const { disk, rig, clock } = makeWorld({ durability: 'process' }, (call) =>
    isFull && call === 'write' ? { errno: 'ENOSPC' } : null,
  )
  expect(rig.spool.begin()).toBe('blocked')
  for (let times = 0; times < 3; times++) {
    produce(rig, 2)
    clock.pass(1001)
    rig.work()
    expect(segmentFiles(disk)).toEqual([])
  }
  isFull = false
  clock.pass(1001)
  rig.work()
  expect(segmentFiles(disk)).toHaveLength(1)
  expect(rig.spool.finish()).toBe(true)
  expect(faultsOf(rig, readSpool(disk, FOLDER))).toEqual([])
})

test('a segment that cannot be looked at for a moment is given up by nobody', () => {
  for (const isKnown of [true, false]) {
    let isAway = false
    const { disk, rig, clock } = makeWorld({}, (call) =>
      isAway && call === 'stat' ? { errno: 'EIO' } : null,
    )
    const write = () => {
      produce(rig, 3)
      rig.work()
      clock.pass(1001)
    }
    if (isKnown) for (let times = 0; times < 2; times++) write()
    isAway = true
    for (let times = 0; times < 3; times++) write()
    isAway = false
    write()
    expect([rig.faults, segmentFiles(disk)]).toEqual([[], ['r0-i1-g0-1.seg']])
  }
})

test('a segment of others at which the disk takes seconds to refuse a look keeps nobody waiting', () => {
  const { disk, rig, clock } = makeWorld({ durability: 'process' })
  const paths = [1, 2, 3].map((number) => join(FOLDER, `r7-i1-g0-${number}.seg`))
  disk.mkdir(FOLDER)
  for (const path of paths) putFile(disk, path, new Uint8Array(100))
  const known = { isAway: false, inVainMs: 0 }
  spoilInodes(disk, paths, {
    isAway: () => known.isAway,
    onAsked: () => {
      known.inVainMs += 7000
      clock.pass(7000)
    },
  })
  const bytes = () => rig.figures[SPOOL_FIGURE.FOLDER_BYTES]
  const workFor = (seconds: number) => {
    for (let times = 0; times < 20 * seconds; times++) {
      clock.pass(50)
      rig.work()
    }
  }
  workFor(2)
  const before = bytes()
  known.isAway = true
  workFor(3600)
  // It counts what they had.
  expect([bytes(), rig.faults]).toEqual([before, []])
  // Each once, the first of them again half a minute later, and then one in 700 s.
  expect(known.inVainMs).toBe(9 * 7000)
  known.isAway = false
  disk.unlink(paths[0]!)
  putFile(disk, paths[1]!, new Uint8Array(500))
  workFor(1500)
  expect(bytes()).toBe(before! + 300)
})
