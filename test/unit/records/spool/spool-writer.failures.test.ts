/** Every file call of a spool fails once, and all of them from each on. */

import { describe, expect, test } from 'vitest'
import { SPOOL_FIGURE } from '../../../../src/records/spool/spool-memory.ts'
import type { Durability } from '../../../../src/shared/record-settings.ts'
import { nthFailure } from '../../../helpers/failing-files.ts'
import { faultsOf, readSpool } from '../../../helpers/spool-content.ts'
import { FOLDER, RigClock, SpoolRig, spoolDisk, spoolSettings } from '../../../helpers/spool-rig.ts'

const BATCHES = 8
const RECORDS = 7

/** What is common: batches of both producers, a little time between them, several segments. */
const work = (durability: Durability, n: number, errno: string | 'short', isLasting: boolean) => {
  const disk = spoolDisk()
  const files = nthFailure(disk, n, errno, isLasting)
  const clock = new RigClock()
  const rig = new SpoolRig({
    files,
    settings: spoolSettings({ durability, segmentBytesMax: 4096 }),
    clock,
  })
  rig.spool.begin()
  for (let batch = 0; batch < BATCHES; batch++) {
    const producer = rig.producers[batch % 2]!
    for (let i = 0; i < RECORDS; i++) producer.produce(300, 1 + (i % 2))
    rig.work()
    clock.pass(1001)
    producer.flush()
  }
  return { disk, files, clock, rig }
}

describe.each(['process', 'power'] as const)('under %s', (durability) => {
  test.each(['ENOSPC', 'EIO', 'EINTR', 'EMFILE', 'short'])(
    'whichever file call fails with %s: everything is spooled, and all goes on',
    (errno) => {
      for (let n = 1; ; n++) {
        const { disk, files, clock, rig } = work(durability, n, errno, false)
        for (let i = 0; i < 3 && !rig.spool.finish(); i++) clock.pass(1001)
        const faults = faultsOf(rig, readSpool(disk, FOLDER))
        expect([n, faults, rig.figures[SPOOL_FIGURE.RECORDS], disk.openFiles]).toEqual([
          ...[n, [], BATCHES * RECORDS, 0],
        ])
        if (files.count < n) break
      }
    },
  )

  test.each(['ENOSPC', 'EIO', 'EMFILE'])(
    'from whichever call on every one fails with %s: nothing that was promised is lost',
    (errno) => {
      for (let n = 1; n < 40; n++) {
        const { disk, rig } = work(durability, n, errno, true)
        const lost = rig.spool.finish() ? 0 : rig.spool.giveUp()
        expect(rig.figures[SPOOL_FIGURE.RECORDS]! + lost).toBe(BATCHES * RECORDS)
        if (durability === 'power') disk.failPower(() => false)
        const { producers } = readSpool(disk, FOLDER)
        const broken = rig.producers.flatMap((producer, thread) => {
          const present = producers.get(`0.${thread}-1`)?.present
          return producer.durable().filter((sequence) => present?.has(sequence) !== true)
        })
        expect([n, broken]).toEqual([n, []])
      }
    },
  )
})
