/**
 * What a file says of its content without being read: how many records of which producer it has, so
 * that deleting it costs no reading.
 */

import { isFields } from '../../shared/fields.ts'
import type { GivenUp } from '../shipping/account.ts'
import type { Column } from '../table/column.ts'
import type { Table } from '../table/table.ts'

/** Key of the metadata, and the version of its form. */
export const CONTENTS_KEY = 'sluice.contents.1'

/**
 * Key of the names of all files in the same folder whose rows are in this one: JSON, a list. With
 * those that it replaces are all that these have replaced: one that could not be deleted is still
 * there, or a backup has brought it back. What a whole file names is read, counted and merged by
 * nobody.
 */
export const REPLACES_KEY = 'sluice.replaces.1'

/** Names of the files that one replaces, by its metadata. Throws on what is no list of names. */
export const replacedBy = (facts: Readonly<Record<string, string>>): readonly string[] => {
  const names: unknown = JSON.parse(facts[REPLACES_KEY] ?? '[]')
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names
  throw new TypeError('No names')
}

/** Records, or sequences without one, of a producer, and the highest sequence among them. */
export type Contents = Readonly<Record<string, readonly [count: number, last: number]>>

const isCounted = (value: unknown): boolean =>
  Array.isArray(value) && [value[0], value[1]].every(Number.isSafeInteger)

const named = (table: Table, name: string): Column | null =>
  table.columns.find((column) => column.name === name) ?? null

const longAt = ({ words }: Column, row: number): number =>
  words[2 * row + 1]! * 2 ** 32 + (words[2 * row]! >>> 0)

/** By the number of its name in the column. */
const byName = (producers: Column, counts: readonly number[], lasts: readonly number[]): Contents =>
  Object.fromEntries(
    counts.flatMap((count, index) =>
      count === 0 ? [] : [[producers.texts!.textAt(index), [count, lasts[index]!] as const]],
    ),
  )

/** Records in a table: rows 0 of what is no shadow, which has the sequence of its answer. */
export const contentsOf = (table: Table): Contents => {
  const producers = named(table, 'producer')!
  const sequences = named(table, 'sequence')!
  const rows = named(table, 'row')
  const roles = named(table, 'role')!
  const shadow = roles.texts!.find('shadow')
  const counts: number[] = []
  const lasts: number[] = []
  for (let row = 0; row < table.rows; row++) {
    if ((rows !== null && rows.words[row] !== 0) || roles.words[row] === shadow) continue
    const producer = producers.words[row]!
    while (counts.length <= producer) counts.push(0)
    counts[producer]!++
    lasts[producer] = Math.max(lasts[producer] ?? 0, longAt(sequences, row))
  }
  return byName(producers, counts, lasts)
}

/** Sequences in a table of gaps. */
export const gapContentsOf = (table: Table): Contents => {
  const producers = named(table, 'producer')!
  const [firsts, ends] = [named(table, 'first')!, named(table, 'last')!]
  const counts: number[] = []
  const lasts: number[] = []
  for (let row = 0; row < table.rows; row++) {
    const producer = producers.words[row]!
    while (counts.length <= producer) counts.push(0)
    const last = longAt(ends, row)
    counts[producer]! += last - longAt(firsts, row) + 1
    lasts[producer] = Math.max(lasts[producer] ?? 0, last)
  }
  return byName(producers, counts, lasts)
}

/** What a file says that is in it. Throws on what is no such text. */
export const contentsIn = (text: string): Contents => {
  const contents: unknown = JSON.parse(text)
  if (isFields(contents) && Object.values(contents).every(isCounted)) return contents as Contents
  throw new TypeError('No contents')
}

/** Adds what is in a file to what is given up, by producer. */
export const addGivenUp = (
  into: Map<string, GivenUp[]>,
  contents: Contents,
  numbers: GivenUp['numbers'],
  isOfGaps: boolean,
): void => {
  for (const [producer, [count, last]] of Object.entries(contents)) {
    const [records, gaps] = isOfGaps ? [0, count] : [count, 0]
    if (!into.has(producer)) into.set(producer, [])
    into.get(producer)!.push({ numbers, records, gaps, below: last + 1 })
  }
}
