/** What the shipper does for records before it writes them: from entries to columns. */

import { RecordTables } from '../../src/records/files/record-tables.ts'
import type { RecordLayout } from '../../src/records/record-layout.ts'
import { visitEntries } from '../../src/records/shipping/frame-entries.ts'
import { type FrameViews, frameViews } from '../../src/records/shipping/frame-views.ts'
import type { ShipBatch } from '../../src/records/shipping/sink.ts'
import { writePlanOf } from '../../src/records/write-plan.ts'
import type { Tensor, TensorSignature } from '../../src/shared/tensor.ts'
import { manifestFeature, recordLayout } from '../../test/helpers/record-layouts.ts'
import { recordRig } from '../../test/helpers/record-rig.ts'
import { seededUniform } from '../load/arrivals.ts'
import type { MicroCase } from '../measure/micro-case.ts'

const FEATURES = 30
const RECORDS = 100
const PRODUCER = 'g7q2.0.0-3'

/** A binary model, which gives a label and two probabilities. */
const OUTPUTS: readonly TensorSignature[] = [
  { name: 'label', datatype: 'INT64', shape: [-1] },
  { name: 'p', datatype: 'FP32', shape: [-1, 2] },
]
const MANIFEST = {
  ...{ digest: '', task: 'binary' as const },
  ...{ score: { output: 'p', column: 1 }, label: { output: 'label' } },
}

const LAYOUT: RecordLayout = recordLayout({
  signature: {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, FEATURES] }],
    outputs: OUTPUTS,
  },
  manifest: {
    ...MANIFEST,
    features: Array.from({ length: FEATURES }, (_, column) =>
      manifestFeature({ name: `feature${column}`, column }),
    ),
  },
})

/** Every third feature takes 50 values, the others any. */
const featureOf = (index: number, uniform: () => number): number =>
  index % 3 === 0 ? Math.floor(uniform() * 50) : Math.fround(uniform() * 100)

/** The model of examples/flight-delay: 13 numbers, 4 short texts, a label and two probabilities. */
const NUMBERS = 13
const TEXTS = ['origin', 'dest', 'carrier', 'weekday']
const MIXED_LAYOUT: RecordLayout = recordLayout({
  signature: {
    inputs: [
      { name: 'numeric', datatype: 'FP32', shape: [-1, NUMBERS] },
      { name: 'categorical', datatype: 'BYTES', shape: [-1, TEXTS.length] },
    ],
    outputs: OUTPUTS,
  },
  manifest: {
    ...MANIFEST,
    features: [
      ...TEXTS.map((name, column) =>
        manifestFeature({ name, type: 'category', tensor: 'categorical', column }),
      ),
      ...Array.from({ length: NUMBERS }, (_, column) =>
        manifestFeature({ name: `feature${column}`, tensor: 'numeric', column, optional: true }),
      ),
    ],
  },
})

type Inputs = (rows: number, uniform: () => number) => Tensor[]

const numbers =
  (width: number): Inputs =>
  (rows, uniform) => {
    const x = Float32Array.from({ length: width * rows }, (_, at) => featureOf(at, uniform))
    return [{ datatype: 'FP32', shape: [rows, width], data: x }]
  }

const withTexts: Inputs = (rows, uniform) => {
  const text = () => `${String.fromCharCode(65 + uniform() * 20)}${Math.floor(uniform() * 5)}A`
  const data = Array.from({ length: rows * TEXTS.length }, text)
  return [
    ...numbers(NUMBERS)(rows, uniform),
    { datatype: 'BYTES', shape: [rows, TEXTS.length], data },
  ]
}

/** Entries as the spool has them. */
const makeFrame = (layout: RecordLayout, inputsOf: Inputs, rows: number): FrameViews => {
  const rig = recordRig()
  const uniform = seededUniform(7)
  const plan = writePlanOf(layout)
  for (let i = 0; i < RECORDS; i++) {
    const inputs = inputsOf(rows, uniform)
    const p = Float32Array.from({ length: 2 * rows }, uniform)
    const label = { datatype: 'INT64' as const, shape: [rows], data: new BigInt64Array(rows) }
    const results = [label, { datatype: 'FP32' as const, shape: [rows, 2], data: p }]
    const sequence = rig.writer.takeSequence()
    Object.assign(rig.facts, { sequence, rows, inputs, results, status: 200, latencyMs: uniform() })
    rig.writer.write(plan, rig.facts)
  }
  return frameViews(new Uint8Array(Buffer.concat(rig.take())).slice())
}

const batchOf = (layout: RecordLayout, frame: FrameViews): ShipBatch => {
  const all = visitEntries(frame, { record: () => true, gap: () => {} })
  const froms = all.froms.slice(0, all.count)
  return {
    ...{ producer: PRODUCER, layouts: new Map([[layout.id, layout]]), frame },
    ...{ froms, count: froms.length },
  }
}

/** Adds the batch again and again to tables that are emptied when they are as full as usual. */
const adding = (layout: RecordLayout, inputsOf: Inputs, rows: number) => () => {
  const batch = batchOf(layout, makeFrame(layout, inputsOf, rows))
  const tables = new RecordTables()
  return () => {
    if (tables.held.rows >= 100_000) tables.clear()
    tables.add(batch)
    return tables.held.rows
  }
}

const [plain, mixed] = [numbers(FEATURES), withTexts]
export const shipping: readonly MicroCase[] = [
  {
    name: `ship: columns of ${RECORDS} records, 30 features`,
    setup: adding(LAYOUT, plain, 1),
  },
  { name: 'ship: the same, of 20 rows each', setup: adding(LAYOUT, plain, 20) },
  {
    name: `ship: columns of ${RECORDS} records, 13 numbers and 4 texts`,
    setup: adding(MIXED_LAYOUT, mixed, 1),
  },
  { name: 'ship: the same texts, of 20 rows each', setup: adding(MIXED_LAYOUT, mixed, 20) },
]
