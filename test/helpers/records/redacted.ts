/** Entries as redaction leaves them, and what can be found among their bytes. */

import { expect } from 'vitest'
import type { RecordValue } from '../../../src/records/record.ts'
import { digestOf } from '../../../src/records/redact/hmac.ts'
import { redactorOf } from '../../../src/records/redact/redactor.ts'
import { writePlanOf } from '../../../src/records/write-plan.ts'
import type { RecordCase } from '../record-cases.ts'
import { recordRig, setFacts } from '../record-rig.ts'

export const KEY = 'a key'
export const digest = digestOf(KEY)

/** The entry of a case as it goes to disk. */
export const redacted = (given: RecordCase, more: object = {}): Uint8Array => {
  const rig = recordRig()
  setFacts(rig.facts, given)
  Object.assign(rig.facts, more)
  rig.facts.sequence = rig.writer.takeSequence()
  expect(rig.writer.write(writePlanOf(given.layout), rig.facts)).toBeGreaterThan(0)
  const [entry] = rig.take()
  const redactor = redactorOf(given.layout, KEY)
  if (redactor === null) return entry!
  const isConcerned = redactor.concerns(new Int32Array(entry!.buffer), 0)
  const made = redactor.redact(entry!).slice()
  if (!isConcerned) expect(Buffer.compare(made, entry!)).toBe(0)
  return made
}

/** Every form in which a value could be found among bytes. */
const forms = (value: RecordValue): Buffer[] => {
  const text = String(value)
  const texts = [Buffer.from(text, 'latin1'), Buffer.from(text, 'utf16le'), Buffer.from(text)]
  if (typeof value === 'bigint') return [...texts, Buffer.from(BigInt64Array.of(value).buffer)]
  if (typeof value !== 'number') return texts
  return [
    ...texts,
    ...[Float32Array.of(value), Float64Array.of(value)].map(({ buffer }) => Buffer.from(buffer)),
  ]
}

/** Whether a value stands among bytes in any form. */
export const isAmong = (bytes: Uint8Array, value: RecordValue): boolean =>
  forms(value).some((form) => Buffer.from(bytes).includes(form))
