/**
 * The wire form of records. `test/fixtures/records` holds what version 1 has written, and what
 * fields it had: neither is ever made anew, so that whatever reads them now reads them for good.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DescField, DescFile } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { file_prediction } from '../../../proto/gen/prediction_pb.ts'
import { decodeEntry } from '../../../src/records/entry-reader.ts'
import { decodeLayout } from '../../../src/records/layout-file.ts'
import type { PredictionRecord, RecordValue } from '../../../src/records/record.ts'
import { decodeRecord, encodeRecord } from '../../../src/records/record-codec.ts'
import { recordToJson } from '../../../src/records/record-json.ts'
import { writePlanOf } from '../../../src/records/write-plan.ts'
import { GatewayError } from '../../../src/shared/errors.ts'
import { caseOf, featureCase, type RecordCase, tensorCase } from '../../helpers/record-cases.ts'
import { PRODUCER, readAll, recordRig, setFacts } from '../../helpers/record-rig.ts'

const FIXTURES = 'test/fixtures/records'

const recordOf = (given: RecordCase): PredictionRecord => {
  const rig = recordRig()
  setFacts(rig.facts, given)
  Object.assign(rig.facts, { requestId: 'r-1', latencyMs: 0.25, bucket: 0, isBatch: true })
  rig.facts.sequence = rig.writer.takeSequence()
  rig.writer.write(writePlanOf(given.layout), rig.facts)
  return readAll(rig.take(), [given.layout]).records[0]!
}

const wellFormed = (value: RecordValue): RecordValue => {
  if (typeof value === 'string') return value.toWellFormed()
  return typeof value === 'object' && value !== null ? value.map(wellFormed) : value
}

const wellFormedAll = (values: Readonly<Record<string, RecordValue>> | undefined) =>
  Object.fromEntries(Object.entries(values ?? {}).map(([name, each]) => [name, wellFormed(each)]))

test('a record comes back as it was, but for halves of surrogate pairs', () => {
  fc.assert(
    fc.property(fc.oneof(tensorCase, featureCase), (given) => {
      const record = recordOf(given)
      expect(decodeRecord(encodeRecord(record))).toEqual({
        ...record,
        instances: record.instances.map((each) => ({
          ...each,
          features: wellFormedAll(each.features),
          prediction: wellFormed(each.prediction),
          outputs: wellFormedAll(each.outputs),
        })),
      })
    }),
  )
})

test('what is absent stays absent, and feedback comes back', () => {
  const { instances: _, ...base } = recordOf(caseOf([], 0))
  const feedback = {
    ...{ ofPredictionId: null, ofRequestId: 'r-1', row: 0, label: [1, ['late', null], true] },
    observedAtMs: 1.5,
  }
  for (const more of [
    { role: 'refused', requestId: null, bucket: -1, latencyMs: Number.NaN, code: 'QUEUE_FULL' },
    { role: 'failed', featuresOmitted: 'policy', instances: [{ features: {}, score: null }] },
    { role: 'shadow', featuresOmitted: 'too_large', version: 999_999_999_999_999 },
    { role: 'feedback', feedback },
    { role: 'feedback', feedback: { ...feedback, row: -1, ofPredictionId: 'p', label: null } },
  ]) {
    const record = { ...base, instances: [], ...more } as PredictionRecord
    const [only] = record.instances
    const instances = only === undefined ? [] : [{ ...only, prediction: null }]
    const whole = { ...record, instances }
    expect(decodeRecord(encodeRecord(whole))).toEqual(whole)
  }
})

const codeOf = (bytes: Uint8Array): string => {
  try {
    decodeRecord(bytes)
    return ''
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(GatewayError)
    return (thrown as GatewayError).code
  }
}

test('damaged bytes are read or refused, and nothing else', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 })
  fc.assert(
    fc.property(featureCase, damage, fc.nat(), (given, flips, cut) => {
      const bytes = encodeRecord(recordOf(given))
      for (const [at, value] of flips) bytes[at % bytes.length] = value
      const end = flips.length === 0 ? cut % bytes.length : bytes.length
      expect(['', 'STATE_CORRUPT', 'STATE_TOO_NEW']).toContain(codeOf(bytes.subarray(0, end)))
    }),
  )
  expect(codeOf(new Uint8Array(0))).toBe('STATE_CORRUPT')
  // Field 8, the role, as a number that no role has.
  expect(codeOf(Uint8Array.of(0x40, 0x63))).toBe('STATE_TOO_NEW')
})

test('lists that nest without end are refused', () => {
  const record = recordOf(caseOf([], 0))
  const nest = (depth: number): RecordValue => (depth === 0 ? 1 : [nest(depth - 1)])
  const of = (depth: number) =>
    encodeRecord({
      ...{ ...record, role: 'feedback', instances: [] },
      feedback: {
        ...{ ofPredictionId: null, ofRequestId: null, row: -1, observedAtMs: 1 },
        label: nest(depth),
      },
    })
  expect(codeOf(of(32))).toBe('')
  expect(codeOf(of(1000))).toBe('STATE_CORRUPT')
})

const fixtures = (ending: string): string[] =>
  readdirSync(FIXTURES).flatMap((name) =>
    name.endsWith(ending) ? [name.slice(0, -ending.length)] : [],
  )

const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(FIXTURES, name)))
const readJson = (name: string): unknown => JSON.parse(readFileSync(join(FIXTURES, name), 'utf8'))

test('messages of version 1 are read as they were meant', () => {
  expect(fixtures('.pb').length).toBeGreaterThan(3)
  for (const name of fixtures('.pb')) {
    expect(recordToJson(decodeRecord(read(`${name}.pb`)))).toEqual(readJson(`${name}.json`))
  }
})

test('entries and layouts of version 1 are read as they were meant', () => {
  expect(fixtures('.entry').length).toBeGreaterThan(3)
  for (const name of fixtures('.entry')) {
    const layout = decodeLayout(read(`${name}.layout`))
    const record = decodeEntry(read(`${name}.entry`), new Map([[layout.id, layout]]), PRODUCER)
    // A message says that a value is missing, an entry of gRPC that it is NaN.
    const meant = existsSync(join(FIXTURES, `${name}-entry.json`)) ? `${name}-entry` : name
    expect(recordToJson(record)).toEqual(readJson(`${meant}.json`))
  }
})

/** By message or enum, the shape of each field or value on the wire. */
type Shapes = Readonly<Record<string, Readonly<Record<string, string>>>>

const shapeOf = (field: DescField): string => {
  const { number, fieldKind, oneof, presence } = field
  const kind = field.message?.typeName ?? field.enum?.typeName ?? `scalar ${field.scalar}`
  return [number, fieldKind, kind, oneof?.name ?? '', presence].join(' ')
}

const shapesOf = ({ messages, enums }: DescFile): Shapes => ({
  ...Object.fromEntries(
    messages.map(({ typeName, fields }) => [
      typeName,
      Object.fromEntries(fields.map((field) => [field.name, shapeOf(field)])),
    ]),
  ),
  ...Object.fromEntries(
    enums.map(({ typeName, values }) => [
      typeName,
      Object.fromEntries(values.map(({ name, number }) => [name, `${number}`])),
    ]),
  ),
})

/** What a reader of version 1 would miss or misread. */
const breaks = (before: Shapes, now: Shapes): string[] =>
  Object.entries(before).flatMap(([type, fields]) =>
    Object.entries(fields).flatMap(([name, shape]) => {
      const found = now[type]?.[name]
      return found === shape ? [] : [`${type}.${name} was ${shape}, is ${found ?? 'gone'}`]
    }),
  )

test('no field of version 1 has changed its number or type, or gone', () => {
  const committed = readJson('v1-fields.json') as Shapes
  expect(breaks(committed, shapesOf(file_prediction))).toEqual([])
  expect(Object.keys(committed)).toContain('sluice.prediction.v1.PredictionRecord')
})

test('a changed number, another type and a field that has gone are found; a new one is none', () => {
  const now = shapesOf(file_prediction)
  const type = 'sluice.prediction.v1.Value'
  const { text, ...rest } = now[type]!
  expect(breaks(now, { ...now, [type]: rest })).toHaveLength(1)
  expect(breaks(now, { ...now, [type]: { ...rest, text: text!.replace('2', '9') } })).toHaveLength(
    1,
  )
  expect(breaks(now, { ...now, [type]: { ...rest, text: text!.replace('9', '12') } })).toHaveLength(
    1,
  )
  expect(breaks(now, { ...now, [type]: { ...now[type], more: '7' } })).toEqual([])
})
