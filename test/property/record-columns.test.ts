/** What `tail` shows of a record out of the spool `query` shows out of its file, under any rule. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readTable, withRecordsFile } from '../../src/records/file-source.ts'
import { RecordTables } from '../../src/records/files/record-tables.ts'
import { parquetFile } from '../../src/records/parquet-file.ts'
import type { RecordValue } from '../../src/records/record.ts'
import { jsonValue } from '../../src/records/record-json.ts'
import type { LayoutTensor, RecordLayout } from '../../src/records/record-layout.ts'
import { compilePolicy } from '../../src/records/redact/policy-rules.ts'
import { frameViews } from '../../src/records/shipping/frame-views.ts'
import { systemFiles } from '../../src/records/spool/file-calls.ts'
import type { Column } from '../../src/records/table/column.ts'
import { type Redaction, UNRECORDED } from '../../src/shared/record-policy.ts'
import { caseOf, givenRow, type RecordCase, tensorCase } from '../helpers/record-cases.ts'
import { PRODUCER, readAll } from '../helpers/record-rig.ts'
import { redacted } from '../helpers/records/redacted.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'

const path = join(makeTempDir('columns'), 'a.parquet')

const anyRule: fc.Arbitrary<Redaction | null> = fc.oneof(
  fc.constantFrom<(Redaction | null)[]>(null, { kind: 'drop' }, { kind: 'hmac' }, { kind: 'mask' }),
  fc.constantFrom(3, 1000, 0.25, 0.1).map((width): Redaction => ({ kind: 'bucket', width })),
)

/** The columns of the file that the records of an entry come into. */
const columnsOf = async ({ layout }: RecordCase, entry: Uint8Array) => {
  const tables = new RecordTables()
  const layouts = new Map([[layout.id, layout]])
  const frame = frameViews(entry.slice())
  const froms = Int32Array.of(0)
  expect(tables.add({ producer: PRODUCER, layouts, frame, froms, count: 1 })).toEqual([])
  writeFileSync(path, parquetFile(tables.filled[0]!.table, {}))
  const { columns } = await withRecordsFile(systemFiles, path, readTable)
  return new Map(columns.map((column) => [column.name, column]))
}

/** How a column says what JSON says: a list, or a value among texts, in a text. */
const inColumn = (value: RecordValue, { type }: Column): unknown => {
  // A bucket of integers of 64 bits.
  if (type === 'double' && typeof value === 'bigint') return Number(value)
  const json = jsonValue(value)
  if (json === null || type !== 'text') return json
  // UTF-8 has no halves of characters.
  return typeof json === 'object' ? JSON.stringify(json) : String(json).toWellFormed()
}

const ofColumn = (cell: ReturnType<Column['valueAt']>): unknown =>
  jsonValue(typeof cell === 'bigint' && Number.isSafeInteger(Number(cell)) ? Number(cell) : cell)

const compare = async (one: RecordCase): Promise<void> => {
  const entry = redacted(one)
  const columns = await columnsOf(one, entry)
  const [record] = readAll([entry], [one.layout]).records
  for (const [row, { features, outputs = {} }] of record!.instances.entries()) {
    const said = [
      ...Object.entries(features).map(([name, value]) => [`f_${name}`, value] as const),
      ...Object.entries(outputs).map(([name, value]) => [`o_${name}`, value] as const),
    ]
    for (const [name, value] of said) {
      const column = columns.get(name)!
      const found = [name, JSON.stringify(ofColumn(column.valueAt(row)))]
      expect(found).toEqual([name, JSON.stringify(inColumn(value, column))])
    }
    const own = [...columns.keys()].filter((name) => /^[fo]_/.test(name))
    expect(own).toEqual(said.map(([name]) => name))
  }
}

/** The policy of a layout of tensors alone. */
const tensorPolicy = ({ inputs, outputs, policy }: RecordLayout, drawn: (Redaction | null)[]) => {
  const ruled = (tensors: readonly LayoutTensor[]) =>
    tensors.map(({ name, datatype }) => ({
      ...{ name, isNumeric: datatype !== 'BYTES' && datatype !== 'BOOL' },
    }))
  const rules = (tensors: readonly LayoutTensor[], from: number) =>
    Object.fromEntries(
      tensors.flatMap(({ name }, i) => (drawn[from + i] ? [[name, drawn[from + i]!]] : [])),
    )
  const redact = { features: rules(inputs, 0), outputs: rules(outputs, 4), requestId: null }
  const given = { ...UNRECORDED, redact, hmacKeyId: 'k1' }
  return { ...policy, ...compilePolicy(given, ruled(inputs), ruled(outputs)) }
}

test('of tensors of every shape and datatype, under every rule', async () => {
  const rules = fc.array(anyRule, { minLength: 8, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(tensorCase, rules, async (given, drawn) => {
      const { layout } = given
      await compare({ ...given, layout: { ...layout, policy: tensorPolicy(layout, drawn) } })
    }),
    { numRuns: propertyRuns(100) },
  )
})

const rulesFor = (names: readonly string[]) =>
  fc
    .tuple(...names.map(() => anyRule))
    .map((rules) =>
      Object.fromEntries(names.flatMap((name, i) => (rules[i] ? [[name, rules[i]]] : []))),
    )

test('of features of every type, and the outputs beside them, under every rule', async () => {
  const policies = fc
    .record({
      features: rulesFor(['note', 'age', 'isNew', 'color', 'height', 'id', 'count']),
      ...{ outputs: rulesFor(['p', 'label']), requestId: fc.constant(null) },
    })
    .map((redact) => ({ redact, hmacKeyId: 'k1' }))
  await fc.assert(
    fc.asyncProperty(policies, fc.array(givenRow, { minLength: 1, maxLength: 4 }), (policy, rows) =>
      compare(caseOf(rows, 0, policy)),
    ),
    { numRuns: propertyRuns(100) },
  )
})
