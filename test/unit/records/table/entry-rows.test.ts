import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ENTRY_WORD, LENGTH_AT } from '../../../../src/records/entry.ts'
import { decodeEntry } from '../../../../src/records/entry-reader.ts'
import { redactorOf } from '../../../../src/records/redact/redactor.ts'
import { frameViews } from '../../../../src/records/shipping/frame-views.ts'
import { entryRowsOf } from '../../../../src/records/table/entry-rows.ts'
import { addPrediction } from '../../../../src/records/table/record-rows.ts'
import { shapeOf } from '../../../../src/records/table/shape.ts'
import { Table } from '../../../../src/records/table/table.ts'
import { writePlanOf } from '../../../../src/records/write-plan.ts'
import { type Redaction, TEXT_PATTERNS } from '../../../../src/shared/record-policy.ts'
import { caseOf, givenRow, type RecordCase, tensorCase } from '../../../helpers/record-cases.ts'
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

/** One frame of the entries of requests of one layout, by turns. */
const frameOf = (cases: readonly RecordCase[], heads: readonly Head[]) => {
  const rig = recordRig()
  const { layout } = cases[0]!
  const redactor = redactorOf(layout, 'a key')
  for (const [i, head] of heads.entries()) {
    setFacts(rig.facts, cases[i % cases.length]!)
    Object.assign(rig.facts, head, { sequence: rig.writer.takeSequence() })
    rig.writer.write(writePlanOf(layout), rig.facts)
  }
  const entries = rig.take().map((entry) => redactor?.redact(entry).slice() ?? entry)
  const froms = Int32Array.from(entries, (_, i) =>
    entries.slice(0, i).reduce((sum, { length }) => sum + length, 0),
  )
  return { entries, frame: frameViews(new Uint8Array(Buffer.concat(entries)).slice()), froms }
}

/** How many entries went the fast way. */
const compare = (cases: readonly RecordCase[], heads: readonly Head[]): number => {
  const { layout } = cases[0]!
  const shape = shapeOf(layout)
  const rows = entryRowsOf(layout, shape)
  const { entries, frame, froms } = frameOf(cases, heads)
  if (rows === null) return 0
  const [fast, slow] = [new Table(shape.specs), new Table(shape.specs)]
  const layouts = new Map([[layout.id, layout]])
  const taken = froms.filter((from) => rows.takes(frame, from))
  rows.add(fast, { producer: PRODUCER, frame, froms: taken, start: 0, end: taken.length })
  for (const [i, from] of froms.entries()) {
    if (!rows.takes(frame, from)) continue
    addPrediction(slow, shape, decodeEntry(entries[i]!, layouts, PRODUCER))
  }
  expect(cellsOf(fast)).toEqual(cellsOf(slow))
  return taken.length
}

const heads = fc.array(anyHead, { minLength: 1, maxLength: 5 })

/** How many of some requests went the fast way, all of whose rows were compared. */
const fastOf = (anyCases: fc.Arbitrary<readonly RecordCase[]>): number => {
  let fast = 0
  fc.assert(
    fc.property(anyCases, heads, (cases, some) => {
      fast += compare(cases, some)
    }),
    { numRuns: propertyRuns(200) },
  )
  return fast
}

const one = (given: fc.Arbitrary<RecordCase>) => given.map((each) => [each])

test('rows of numbers are those of decoded records', () => {
  expect(fastOf(one(numberCase(1)))).toBeGreaterThan(100)
})

test('rows of requests of many rows are those of decoded records', () => {
  expect(fastOf(one(numberCase(5)))).toBeGreaterThan(100)
})

test('rows of any tensors are those of decoded records, or are not made', () => {
  expect(fastOf(one(tensorCase))).toBeGreaterThan(10)
})

/** A request of which everything is as usual. */
const usualRow = givenRow.map((row) => ({ ...row, color: 'red', count: 7 }))
const RULES: readonly (Redaction | null)[] = [
  ...[null, { kind: 'drop' } as const, { kind: 'mask' } as const, { kind: 'hmac' } as const],
  { kind: 'bucket', width: 3 },
]
const rule = fc.constantFrom(...RULES)
const policy = fc.record({ note: rule, age: rule, label: rule }).map(({ note, age, label }) => {
  const some = (rules: Record<string, Redaction | null>) =>
    Object.fromEntries(Object.entries(rules).flatMap(([key, each]) => (each ? [[key, each]] : [])))
  const redact = { features: some({ note, age }), outputs: some({ label }), requestId: null }
  return { redact, hmacKeyId: 'k', patterns: TEXT_PATTERNS }
})

/** Requests of several numbers of rows, with texts of all lengths, of one layout. */
const textCases = (row: typeof givenRow): fc.Arbitrary<RecordCase[]> =>
  fc
    .tuple(
      fc.oneof(fc.constant({}), policy),
      fc.array(fc.array(row, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 }),
      fc.nat(2),
    )
    .map(([rules, requests, rowStart]) => requests.map((given) => caseOf(given, rowStart, rules)))

test('rows of texts are those of decoded records', () => {
  expect(fastOf(textCases(usualRow))).toBeGreaterThan(100)
})

test('rows of features that are not as usual are those of decoded records', () => {
  expect(fastOf(textCases(givenRow))).toBeGreaterThan(20)
})

const HEAD: Head = {
  ...{ role: 0, code: 0, status: 200, protocol: 0, epoch: 1, bucket: 17, isBatch: false },
  ...{ startedMs: 1, wallOffsetMs: 2, latencyMs: 1, decodeMs: 0.25, requestId: 'an id' },
  traceIds: null,
}

/** One entry of the usual kind. */
const oneEntry = () => {
  const row = { note: 'a note', age: 1, isNew: true, color: 'red', height: 2, id: 3, count: 4 }
  const given = caseOf([{ ...row, scores: [0.5, 0.25], label: 'yes' }], 0)
  const { frame, froms } = frameOf([given], [HEAD])
  const rows = entryRowsOf(given.layout, shapeOf(given.layout))!
  const add = (): Table => {
    const table = new Table(shapeOf(given.layout).specs)
    rows.add(table, { producer: PRODUCER, frame, froms, start: 0, end: 1 })
    return table
  }
  return { frame, from: froms[0]!, takes: () => rows.takes(frame, froms[0]!), add }
}

test('a negative word stands for no role, and for no name', () => {
  const { frame, from, takes, add } = oneEntry()
  const at = from >> 2
  for (const word of [ENTRY_WORD.CODE, ENTRY_WORD.PROTOCOL]) frame.words[at + word] = -1
  expect(takes()).toBe(true)
  const named = add().columns.filter(({ name }) => name === 'code' || name === 'protocol')
  for (const { texts, words } of named) {
    expect([texts!.count, words[0], texts!.textAt(0)]).toEqual([1, 0, ''])
  }
  expect(named.length).toBe(2)
  frame.words[at + ENTRY_WORD.ROLE] = -1
  expect(takes()).toBe(false)
})

test('an entry whose sections do not end where they ought to is not taken', () => {
  const { frame, from, takes, add } = oneEntry()
  expect(takes()).toBe(true)
  // Its length is what led from one entry to the next.
  for (let word = (from >> 2) + LENGTH_AT + 1; word < frame.words.length; word++) {
    const before = frame.words[word]!
    for (const wrong of [-1, 2 ** 31 - 1, -(2 ** 31), before ^ 0x4000]) {
      frame.words[word] = wrong
      if (takes()) expect(add().rows).toBe(1)
    }
    frame.words[word] = before
  }
})
