/** What a folder of segments says, read as plainly as can be. */

import { join } from 'node:path'
import { ENTRY_DOUBLE, ENTRY_KIND, KIND_AT, LENGTH_AT } from '../../src/records/entry.ts'
import type { Gap } from '../../src/records/reasons.ts'
import type { FileCalls } from '../../src/records/spool/file-calls.ts'
import { readSegment, type SegmentRead } from '../../src/records/spool/read-segment.ts'
import {
  ACCOUNT_BYTES,
  FRAME,
  readAccount,
  readGapFrame,
  readLayoutId,
  type SegmentHeader,
} from '../../src/records/spool/segment-format.ts'
import {
  compareSegments,
  parseSegmentName,
  type SegmentName,
} from '../../src/records/spool/segment-names.ts'
import type { Frame } from '../../src/records/spool/segment-reader.ts'
import { gapsOf } from './ring-entries.ts'
import type { SpoolRig } from './spool-rig.ts'

/** What is known of one producer. */
export interface ProducerContent {
  /** Entries by sequence, all copies. */
  readonly present: Map<number, Uint8Array[]>
  readonly gaps: Gap[]
  floor: number
  taken: number
  hasEnded: boolean
}

export interface SpoolContent {
  /** By `<replica>.<thread>-<incarnation>`. */
  readonly producers: Map<string, ProducerContent>
  /** In order. */
  readonly segments: { readonly name: SegmentName; readonly read: SegmentRead }[]
}

export const producerKey = (replica: number, thread: number, incarnation: number): string =>
  `${replica}.${thread}-${incarnation}`

const producerOf = (content: SpoolContent, key: string): ProducerContent => {
  let producer = content.producers.get(key)
  if (producer === undefined) {
    producer = { present: new Map(), gaps: [], floor: 0, taken: 0, hasEnded: false }
    content.producers.set(key, producer)
  }
  return producer
}

const takeEntries = (payload: Uint8Array, count: number, producer: ProducerContent): void => {
  let at = ACCOUNT_BYTES
  for (let i = 0; i < count; i++) {
    const words = new Int32Array(payload.buffer, payload.byteOffset + at)
    const entry = payload.slice(at, at + words[LENGTH_AT]!)
    if (words[KIND_AT] === ENTRY_KIND.GAP) producer.gaps.push(...gapsOf(entry))
    else {
      const sequence = new Float64Array(entry.buffer)[ENTRY_DOUBLE.SEQUENCE]!
      producer.present.set(sequence, [...(producer.present.get(sequence) ?? []), entry])
    }
    at += entry.length
  }
  if (at !== payload.length) throw new Error(`${count} entries end at ${at} of ${payload.length}`)
}

const takeFrame = (content: SpoolContent, frame: Frame, header: SegmentHeader): void => {
  const { kind, payload } = frame
  if (kind === FRAME.SEAL || kind === FRAME.LAYOUT) return
  const { thread, count, floor, taken } = readAccount(payload)!
  const key = producerKey(header.replica, thread, header.incarnation)
  const producer = producerOf(content, key)
  producer.floor = Math.max(producer.floor, floor)
  producer.taken = Math.max(producer.taken, taken)
  if (kind === FRAME.END) producer.hasEnded = true
  if (kind === FRAME.GAPS) producer.gaps.push(...readGapFrame(payload)!)
  if (kind === FRAME.RECORDS) takeEntries(payload, count, producer)
}

/** Layouts must come before what names them. */
const checkLayouts = (frame: Frame, known: Set<number>): void => {
  if (frame.kind === FRAME.LAYOUT) known.add(readLayoutId(frame.payload)!)
  if (frame.kind !== FRAME.RECORDS) return
  let at = ACCOUNT_BYTES
  while (at < frame.payload.length) {
    const words = new Int32Array(frame.payload.buffer, frame.payload.byteOffset + at)
    const isRecord = words[KIND_AT] === ENTRY_KIND.RECORD
    if (isRecord && !known.has(words[3]!)) throw new Error(`no layout ${words[3]} before its entry`)
    at += words[LENGTH_AT]!
  }
}

/** Reads every segment of a folder; `into`: on top of what was read before. */
export const readSpool = (
  files: FileCalls,
  folder: string,
  into: SpoolContent = { producers: new Map(), segments: [] },
): SpoolContent => {
  const names = files.stat(folder) === null ? [] : files.readdir(folder)
  const parsed = names.flatMap((text) => parseSegmentName(text) ?? [])
  for (const name of parsed.sort(compareSegments)) {
    const text = names.find(
      (each) => JSON.stringify(parseSegmentName(each)) === JSON.stringify(name),
    )
    const known = new Set<number>()
    const read = readSegment(files, join(folder, text!), 0, (frame, header) => {
      checkLayouts(frame, known)
      takeFrame(into, frame, header)
      return true
    })
    into.segments.push({ name, read })
  }
  return into
}

/** How a sequence is accounted for. */
export const fateOf = (producer: ProducerContent, sequence: number): 'present' | 'gap' | 'hole' => {
  if (producer.present.has(sequence)) return 'present'
  const isGap = producer.gaps.some(({ from, to }) => from <= sequence && sequence <= to)
  return isGap ? 'gap' : 'hole'
}

/** Gaps that a producer did not have. */
const inventedGaps = (gaps: readonly Gap[], skipped: ReadonlyMap<number, number>): string[] =>
  gaps.flatMap(({ from, to, reason }) => {
    const faults: string[] = []
    for (let sequence = from; sequence <= to; sequence++) {
      if (skipped.get(sequence) !== reason) faults.push(`${sequence} is no gap for ${reason}`)
    }
    return faults
  })

/** What is wrong with a folder that is to hold everything of producers that have ended in order. */
export const faultsOf = (
  { producers, settings }: Pick<SpoolRig, 'producers' | 'settings'>,
  content: SpoolContent,
): string[] =>
  producers.flatMap(({ taken, written, skipped }, thread) => {
    const key = producerKey(settings.replica, thread, settings.incarnation)
    const found = content.producers.get(key)
    if (found === undefined) return [`${key} is not known`]
    const faults: string[] = []
    const complain = (what: string) => faults.push(`${key}: ${what}`)
    for (let sequence = 1; sequence <= taken; sequence++) {
      const wanted = written.has(sequence) ? 'present' : 'gap'
      const fate = fateOf(found, sequence)
      if (fate !== wanted) complain(`${sequence} is ${fate}, not ${wanted}`)
    }
    for (const [sequence, copies] of found.present) {
      const entry = written.get(sequence)?.entry ?? new Uint8Array(0)
      const isAlike = copies.every((copy) => Buffer.compare(copy, entry) === 0)
      if (!isAlike) complain(`${sequence} is another one`)
    }
    for (const fault of inventedGaps(found.gaps, skipped)) complain(fault)
    if (found.floor !== taken + 1 || found.taken !== taken || !found.hasEnded) {
      complain(`ended ${found.hasEnded} at ${found.floor}, ${found.taken} of ${taken}`)
    }
    return faults
  })
