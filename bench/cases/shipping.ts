/** What the shipper does for records before it writes them: from entries to columns. */

import { RecordTables } from '../../src/records/files/record-tables.ts'
import type { RecordLayout } from '../../src/records/record-layout.ts'
import { visitEntries } from '../../src/records/shipping/frame-entries.ts'
import { type FrameViews, frameViews } from '../../src/records/shipping/frame-views.ts'
import type { ShipBatch } from '../../src/records/shipping/sink.ts'
import { writePlanOf } from '../../src/records/write-plan.ts'
import { manifestFeature, recordLayout } from '../../test/helpers/record-layouts.ts'
import { recordRig } from '../../test/helpers/record-rig.ts'
import { seededUniform } from '../load/arrivals.ts'
import type { MicroCase } from '../measure/micro-case.ts'

const FEATURES = 30
const RECORDS = 100
const PRODUCER = 'g7q2.0.0-3'

/** A binary model of 30 numbers, which gives a label and two probabilities. */
const LAYOUT: RecordLayout = recordLayout({
  signature: {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, FEATURES] }],
    outputs: [
      { name: 'label', datatype: 'INT64', shape: [-1] },
      { name: 'p', datatype: 'FP32', shape: [-1, 2] },
    ],
  },
  manifest: {
    digest: '',
    task: 'binary',
    features: Array.from({ length: FEATURES }, (_, column) =>
      manifestFeature({ name: `feature${column}`, column }),
    ),
    score: { output: 'p', column: 1 },
    label: { output: 'label' },
  },
})

/** Every third feature takes 50 values, the others any. */
const featureOf = (index: number, uniform: () => number): number =>
  index % 3 === 0 ? Math.floor(uniform() * 50) : Math.fround(uniform() * 100)

/** Entries as the spool has them. */
const makeFrame = (rows: number): FrameViews => {
  const rig = recordRig()
  const uniform = seededUniform(7)
  const plan = writePlanOf(LAYOUT)
  for (let i = 0; i < RECORDS; i++) {
    const x = Float32Array.from({ length: FEATURES * rows }, (_, at) => featureOf(at, uniform))
    const p = Float32Array.from({ length: 2 * rows }, uniform)
    const inputs = [{ datatype: 'FP32' as const, shape: [rows, FEATURES], data: x }]
    const label = { datatype: 'INT64' as const, shape: [rows], data: new BigInt64Array(rows) }
    const results = [label, { datatype: 'FP32' as const, shape: [rows, 2], data: p }]
    const sequence = rig.writer.takeSequence()
    Object.assign(rig.facts, { sequence, rows, inputs, results, status: 200, latencyMs: uniform() })
    rig.writer.write(plan, rig.facts)
  }
  return frameViews(new Uint8Array(Buffer.concat(rig.take())).slice())
}

const batchOf = (frame: FrameViews): ShipBatch => {
  const all = visitEntries(frame, { record: () => true, gap: () => {} })
  const froms = all.froms.slice(0, all.count)
  return {
    ...{ producer: PRODUCER, layouts: new Map([[LAYOUT.id, LAYOUT]]), frame },
    ...{ froms, count: froms.length },
  }
}

/** Adds the batch again and again to tables that are emptied when they are as full as usual. */
const adding = (rows: number) => () => {
  const batch = batchOf(makeFrame(rows))
  const tables = new RecordTables()
  return () => {
    if (tables.held.rows >= 100_000) tables.clear()
    tables.add(batch)
    return tables.held.rows
  }
}

export const shipping: readonly MicroCase[] = [
  { name: `ship: columns of ${RECORDS} records, 30 features`, setup: adding(1) },
  { name: 'ship: the same, of 20 rows each', setup: adding(20) },
]
