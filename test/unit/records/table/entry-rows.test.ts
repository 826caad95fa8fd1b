import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeEntry } from '../../../../src/records/entry-reader.ts'
import type { RecordLayout } from '../../../../src/records/record-layout.ts'
import { frameViews } from '../../../../src/records/shipping/frame-views.ts'
import { entryRowsOf } from '../../../../src/records/table/entry-rows.ts'
import { addPrediction } from '../../../../src/records/table/record-rows.ts'
import { shapeOf } from '../../../../src/records/table/shape.ts'
import { Table } from '../../../../src/records/table/table.ts'
import { writePlanOf } from '../../../../src/records/write-plan.ts'
import { featureCase, type RecordCase, tensorCase } from '../../../helpers/record-cases.ts'
import { PRODUCER, recordRig, setFacts } from '../../../helpers/record-rig.ts'
import { numberCase } from '../../../helpers/records/number-cases.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

/** What a request may be beside its tensors. */
const anyHead = fc.record({
  role: fc.constantFrom(0, 1, 2, 3),
  code: fc.nat(3),
  status: fc.constantFrom(0, 200, 503),
  protocol: fc.nat(4),
  epoch: fc.maxSafeInteger().map(Math.abs),
  bucket: fc.integer({ min: -1, max: 9999 }),
  startedMs: fc.double({ min: 0, max: 1e7, noNaN: true }),
  wallOffsetMs: fc.double({ min: 0, max: 2e12, noNaN: true }),
  latencyMs: fc.double(),
  decodeMs: fc.constantFrom(Number.NaN, 0.25),
  isBatch: fc.boolean(),
  requestId: fc.option(fc.oneof(fc.string(), fc.constantFrom('é', 'Ā', 'a'.repeat(200)))),
  traceIds: fc.option(fc.uint32Array({ minLength: 4, maxLength: 4 })),
})
type Head = typeof anyHead extends fc.Arbitrary<infer Value> ? Value : never

const cellsOf = (table: Table) =>
  Array.from({ length: table.rows }, (_, row) =>
    Object.fromEntries(table.columns.map((column) => [column.name, column.valueAt(row)])),
  )

/** One frame of the entries of some requests of a layout. */
const frameOf = (layout: RecordLayout, given: RecordCase, heads: readonly Head[]) => {
  const rig = recordRig()
  for (const head of heads) {
    setFacts(rig.facts, given)
    Object.assign(rig.facts, head, { sequence: rig.writer.takeSequence() })
    rig.writer.write(writePlanOf(layout), rig.facts)
  }
  const entries = rig.take()
  const froms = Int32Array.from(entries, (_, i) =>
    entries.slice(0, i).reduce((sum, { length }) => sum + length, 0),
  )
  return { entries, frame: frameViews(new Uint8Array(Buffer.concat(entries)).slice()), froms }
}

/** How many entries went the fast way. */
const compare = (given: RecordCase, heads: readonly Head[]): number => {
  const { layout } = given
  const shape = shapeOf(layout)
  const rows = entryRowsOf(layout, shape)
  const { entries, frame, froms } = frameOf(layout, given, heads)
  if (rows === null) return 0
  const [fast, slow] = [new Table(shape.specs), new Table(shape.specs)]
  const layouts = new Map([[layout.id, layout]])
  const taken = froms.filter((from) => rows.takes(frame, from))
  const all = { froms: taken, headers: taken, start: 0, end: taken.length }
  const batch = { producer: PRODUCER, frame, ...all }
  if (given.rows === 1) rows.add(fast, batch)
  else for (const from of taken) rows.addMany(fast, batch, from)
  for (const [i, from] of froms.entries()) {
    if (!rows.takes(frame, from)) continue
    addPrediction(slow, shape, decodeEntry(entries[i]!, layouts, PRODUCER))
  }
  expect(cellsOf(fast)).toEqual(cellsOf(slow))
  return taken.length
}

const heads = fc.array(anyHead, { minLength: 1, maxLength: 5 })

test('rows of numbers are those of decoded records', () => {
  let fast = 0
  fc.assert(
    fc.property(numberCase(1), heads, (given, some) => {
      fast += compare(given, some)
    }),
    { numRuns: propertyRuns(200) },
  )
  expect(fast).toBeGreaterThan(100)
})

test('rows of requests of many rows are those of decoded records', () => {
  let fast = 0
  fc.assert(
    fc.property(numberCase(5), heads, (given, some) => {
      fast += compare(given, some)
    }),
    { numRuns: propertyRuns(200) },
  )
  expect(fast).toBeGreaterThan(100)
})

test('rows of any tensors are those of decoded records, or are not made', () => {
  fc.assert(
    fc.property(tensorCase, heads, (given, some) => {
      compare(given, some)
    }),
  )
})

test('rows of features are those of decoded records', () => {
  fc.assert(
    fc.property(featureCase, heads, (given, some) => {
      compare(given, some)
    }),
  )
})
