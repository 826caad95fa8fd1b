/** What a record costs the spool thread, writing to a real file included. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RecordLayout } from '../../src/records/record-layout.ts'
import { RecordWriter } from '../../src/records/record-writer.ts'
import { redactorOf } from '../../src/records/redact/redactor.ts'
import { GapBook } from '../../src/records/ring/gap-book.ts'
import { RING_WORD } from '../../src/records/ring/record-ring.ts'
import { systemFiles } from '../../src/records/spool/file-calls.ts'
import { SpoolLayouts } from '../../src/records/spool/spool-layouts.ts'
import { mapRecordMemory, recordMemoryBytes } from '../../src/records/spool/spool-memory.ts'
import { SpoolWriter } from '../../src/records/spool/spool-writer.ts'
import { makeWriteFacts } from '../../src/records/write-facts.ts'
import { writePlanOf } from '../../src/records/write-plan.ts'
import { systemClock } from '../../src/shared/clock.ts'
import type { MicroCase } from '../measure/micro-case.ts'
import { FLOATS, layoutFor } from './records.ts'

const RING_BYTES = 4 * 1024 * 1024
const MIB = 1024 * 1024

/** A ring that has gone round once: all of its entries lie there, and may be published again. */
const fillRing = (block: SharedArrayBuffer, layout: RecordLayout): number[] => {
  const { rings, gaps } = mapRecordMemory(block, 1, RING_BYTES)
  const ring = rings[0]!
  const writer = new RecordWriter({
    ...{ ring, gaps: new GapBook(gaps[0]!) },
    ...{ producer: 'gw.1.0-7', recordBytesMax: 65_536 },
  })
  const facts = Object.assign(makeWriteFacts(), { rows: 1, status: 200, bucket: 17, epoch: 3 })
  const data = Float32Array.from({ length: 30 }, (_, i) => i / 8)
  Object.assign(facts, {
    inputs: [{ datatype: 'FP32', shape: [1, 30], data }],
    results: [{ datatype: 'FP32', shape: [1, 1], data: Float32Array.of(0.5) }],
  })
  const plan = writePlanOf(layout)
  const ends: number[] = []
  // As much as goes in before it wraps: one lap.
  for (;;) {
    facts.sequence = writer.takeSequence()
    if (ring.capacityUnits - (ring.written & (ring.capacityUnits - 1)) < 128) return ends
    writer.write(plan, facts)
    ends.push(ring.written)
  }
}

/** One operation: one record more in the ring; after each `batch`, a step of the spool. */
const spooling = (batch: number): (() => number) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-spool-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const block = new SharedArrayBuffer(recordMemoryBytes(1, RING_BYTES))
  // With the safety net of patterns, as by default.
  const layout = layoutFor(FLOATS, {})
  const ends = fillRing(block, layout)
  const memory = mapRecordMemory(block, 1, RING_BYTES)
  const { head } = memory.rings[0]!
  const layouts = new SpoolLayouts((each) => redactorOf(each, null))
  layouts.add([layout])
  // What is complete goes at once, as if it were shipped.
  const written: string[] = []
  const files = {
    ...systemFiles,
    open: (path: string, flags: string, mode?: number): number => {
      if (flags === 'wx') written.push(path)
      if (written.length > 2) systemFiles.unlink(written.shift()!)
      return systemFiles.open(path, flags, mode)
    },
  }
  const settings = {
    ...{ folder, gateway: 'g', replica: 0, incarnation: 1, threads: 1, ringBytes: RING_BYTES },
    ...{
      durability: 'process' as const,
      bytesMax: 1024 * MIB,
      segmentBytesMax: 16 * MIB,
      segmentMsMax: 60_000,
    },
    hmacKey: null,
  }
  const spool = new SpoolWriter({
    ...{ files, settings, generation: 0, memory, layouts, clock: systemClock },
    process: { pid: 1, startTime: '', bootId: '' },
    onState: (state, detail) => {
      throw new Error(`state ${state}: ${detail}`)
    },
    onFault: (detail) => {
      throw new Error(detail)
    },
    wake: () => {},
  })
  let count = 0
  let at = 0
  return () => {
    if (at === ends.length) {
      // The lap is over, and so is what the spool knows of it.
      spool.step()
      at = 0
      Atomics.store(head, RING_WORD.WRITTEN, 0)
      Atomics.store(head, RING_WORD.READ, 0)
      memory.rings[0]!.drained = 0
    }
    Atomics.store(head, RING_WORD.WRITTEN, ends[at++]!)
    if (++count % batch === 0) spool.step()
    return at
  }
}

export const spool: readonly MicroCase[] = [1, 16, 128, 1000].map((batch) => ({
  name: `spool: one record of 30 floats, ${batch} a write`,
  setup: () => spooling(batch),
}))
