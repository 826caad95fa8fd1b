/**
 * The spool on a real disk that is full: a tmpfs. A write that finds no room ends at the end of a
 * page, so a disk that fills up at every page, under records of every size, fails at any place of
 * the preamble, of layouts, of frames and of entries. (That every single call may fail, and be
 * short, is gone through in memory: test/unit/records/spool/.)
 */

import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GAP_REASON } from '../../src/records/reasons.ts'
import { systemFiles } from '../../src/records/spool/file-calls.ts'
import { canMount, SmallDisk } from '../helpers/records/small-disk.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { faultsOf, readSpool } from '../helpers/spool-content.ts'
import { produce, RigClock, SpoolRig, spoolSettings } from '../helpers/spool-rig.ts'

const PAGE = 4096
const DISK_BYTES = 1024 * 1024
/** The pages of two segments and of the file that a third begins with. */
const PAGES = 12
const RECORDS_A_TURN = 20

let folders = 0

const rigOn = (disk: SmallDisk, clock = new RigClock()): SpoolRig => {
  const folder = join(disk.folder, `spool-${++folders}`)
  const settings = spoolSettings({ folder, segmentBytesMax: 4 * PAGE })
  return new SpoolRig({ files: systemFiles, settings, clock })
}

const emptyFolder = ({ settings: { folder } }: SpoolRig): void => {
  for (const name of systemFiles.readdir(folder)) systemFiles.unlink(join(folder, name))
}

interface Turn {
  readonly payloadBytes: number
  readonly thread: number
}

const turn: fc.Arbitrary<Turn> = fc.record({
  payloadBytes: fc.integer({ min: 0, max: 900 }),
  thread: fc.nat({ max: 1 }),
})

const play = (rig: SpoolRig, turns: readonly Turn[]): void => {
  for (const { payloadBytes, thread } of turns) {
    produce(rig, RECORDS_A_TURN, payloadBytes, thread)
    rig.work()
  }
}

// Skipped: only root may mount a disk
describe.skipIf(!canMount())('where a disk may be mounted', () => {
  test('a disk that is full after any number of pages loses what had no room, and no more', () => {
    const disk = new SmallDisk(DISK_BYTES)
    const seen = new Set<string>()
    let dropped = 0
    fc.assert(
      fc.property(
        fc.array(turn, { minLength: 4, maxLength: 12 }),
        fc.integer({ min: 0, max: PAGES }),
        (turns, pages) => {
          const clock = new RigClock()
          const rig = rigOn(disk, clock)
          rig.spool.begin()
          disk.fill(pages * PAGE)
          play(rig, turns)
          disk.empty()
          clock.pass(1001)
          rig.work()
          for (const producer of rig.producers) producer.flush()
          expect(rig.spool.finish()).toBe(true)
          expect(faultsOf(rig, readSpool(systemFiles, rig.settings.folder))).toEqual([])
          const reasons = rig.producers.flatMap(({ skipped }) => [...skipped.values()])
          expect(new Set(reasons).isSubsetOf(new Set([GAP_REASON.DISK_FULL]))).toBe(true)
          dropped += reasons.length
          for (const state of rig.states) seen.add(state)
          emptyFolder(rig)
        },
      ),
      { numRuns: propertyRuns(150) },
    )
    expect(dropped).toBeGreaterThan(0)
    expect([...seen].sort()).toEqual(['0 ', '2 ENOSPC'])
  })

  test('a disk that stays full to the end costs what is in the rings, and it is counted', () => {
    const disk = new SmallDisk(DISK_BYTES)
    const rig = rigOn(disk)
    rig.spool.begin()
    disk.fill()
    play(
      rig,
      Array.from({ length: 10 }, () => ({ payloadBytes: 400, thread: 0 })),
    )
    expect(rig.spool.finish()).toBe(false)
    const [own] = rig.producers
    const kept = own!.durable().length
    expect(rig.spool.giveUp()).toBe(own!.written.size - kept)
  })
})
