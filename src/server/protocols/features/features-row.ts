/** One row of named or positional features into its columns, or all that is wrong with it. */

import type { BoundFeature } from '../../../shared/contract.ts'
import { type FieldFault, type Refusal, refuse } from '../../../shared/errors.ts'
import { type FeatureExtras, noteExtra } from '../../../shared/feature-extras.ts'
import { nearest } from '../../../shared/nearest.ts'
import type { Datatype } from '../../../shared/tensor.ts'
import { duplicateKey, type JsonReader } from '../../json/json-reader.ts'
import { pointer, quote } from '../../json/pointer.ts'
import { type Column, columnsOf } from '../columns.ts'
import {
  type Element,
  isMisfit,
  type Misfit,
  readElement,
  readWhole,
  refuseAt,
  toNumericElement,
} from '../element.ts'
import { instancePointer } from '../instances.ts'
import type { VariantPlan } from '../variant-plan.ts'
import { UNSEEN } from './features-plan.ts'

/** Most faults that one refusal names. */
const FAULTS_MAX = 16

interface Fault {
  /** Index of the feature; -1 for a name that is none. */
  readonly feature: number
  readonly refusal: Refusal
}

/** One refusal for all faults of a row: names that are unknown first, then in contract order. */
const join = (faults: Fault[]): Refusal => {
  const refusals = faults.sort((a, b) => a.feature - b.feature).map(({ refusal }) => refusal)
  const [first] = refusals
  if (refusals.length === 1) return first!
  const errors = refusals.flatMap((each): readonly FieldFault[] => each.errors ?? [])
  const more = refusals.length < FAULTS_MAX ? refusals.length - 1 : `${FAULTS_MAX - 1} or`
  return refuse(first!.code, `${first!.detail} (and ${more} more)`, errors)
}

/** Pointer to row `index` of the instances; -1: to the one row of `features`. */
export const rowPointer = (index: number): string =>
  index < 0 ? '/features' : instancePointer(index)

const wrongCount = (wanted: number, got: number, at: string): Refusal => {
  const detail = `wants ${wanted} values, got ${got}`
  return refuse('TENSOR_SHAPE_MISMATCH', `A row ${detail}`, [{ pointer: at, detail }])
}

/** `isFirst`: of its request; the others go without a hint, which is dear. */
const unknownFeature = (
  name: string,
  { features }: VariantPlan,
  at: string,
  isFirst: boolean,
): Refusal => {
  const near = isFirst ? nearest(name, features.names) : null
  const hint = near === null ? '' : `; did you mean ${quote(near)}?`
  const detail = `${quote(name)} is no feature of this endpoint${hint}`
  return refuse('INPUT_UNKNOWN', detail, [{ pointer: at + pointer(name), detail }])
}

const missing = (name: string, at: string): Refusal => {
  const detail = `Feature ${quote(name)} is missing`
  return refuse('INPUT_MISSING', detail, [{ pointer: at, detail }])
}

/** Of a feature that has no codes. */
const readPlain = (
  { type }: BoundFeature,
  reader: JsonReader,
  datatype: Datatype,
): Element | Misfit => {
  if (type === 'number') return readElement(reader, datatype)
  if (type === 'integer') return readWhole(reader, datatype)
  if (type === 'category') return readElement(reader, 'BYTES')
  const flag = readElement(reader, 'BOOL')
  return isMisfit(flag) ? flag : toNumericElement(Number(flag), datatype)
}

/** Reads the rows of one request, each behind the rows before. */
export class FeatureRows {
  readonly #plan: VariantPlan
  readonly #reader: JsonReader
  readonly columns: readonly Column[]
  /** Of all rows so far. */
  extras: FeatureExtras | null = null
  /** By feature: the number of the last row that had it, from 1. */
  readonly #seen: Uint32Array
  #row = 0
  /** Of the present row. */
  readonly #faults: Fault[] = []
  /** Pointer parts are put together only for a fault. */
  #rowIndex = -1
  #isList = false

  constructor(plan: VariantPlan, reader: JsonReader) {
    this.#plan = plan
    this.#reader = reader
    this.columns = columnsOf(plan)
    this.#seen = new Uint32Array(plan.binding.features.length)
  }

  /**
   * Reads one row, an object or a list; a refusal names every fault of it, up to FAULTS_MAX.
   * `rowIndex`: as of `rowPointer`.
   */
  read(rowIndex: number): Refusal | null {
    this.#row++
    this.#rowIndex = rowIndex
    this.#isList = this.#reader.isList
    const { absentRow } = this.#plan.features
    for (let input = 0; input < absentRow.length; input++) {
      this.columns[input]!.extend(absentRow[input]!)
    }
    const refusal = this.#isList ? this.#readList() : this.#readObject()
    if (refusal !== null) return refusal
    if (!this.#isList) this.#findMissing()
    return this.#faults.length === 0 ? null : join(this.#faults)
  }

  get #isFull(): boolean {
    return this.#faults.length === FAULTS_MAX
  }

  #readList(): Refusal | null {
    const reader = this.#reader
    const wanted = this.#seen.length
    let count = 0
    for (let more = reader.open(); more; more = reader.more()) {
      if (count === wanted) {
        return wrongCount(wanted, count + reader.skipRest(), rowPointer(this.#rowIndex))
      }
      if (this.#isFull) reader.skip()
      else this.#readFeature(count)
      count++
    }
    return count === wanted ? null : wrongCount(wanted, count, rowPointer(this.#rowIndex))
  }

  #readObject(): Refusal | null {
    const reader = this.#reader
    const { byName } = this.#plan.features
    for (let more = reader.open(); more; more = reader.more()) {
      if (this.#isFull) return null
      const name = reader.key()
      const index = byName.get(name)
      if (index === undefined) {
        const isFirst = this.#faults.every(({ feature }) => feature >= 0)
        const refusal = unknownFeature(name, this.#plan, rowPointer(this.#rowIndex), isFirst)
        this.#faults.push({ feature: -1, refusal })
        reader.skip()
      } else if (this.#seen[index] === this.#row) return duplicateKey(name)
      else this.#readFeature(index)
    }
    return null
  }

  #readFeature(index: number): void {
    this.#seen[index] = this.#row
    const feature = this.#plan.binding.features[index]!
    if (this.#reader.isNull) {
      this.#reader.skip()
      this.#miss(index)
      return
    }
    const { datatype } = this.columns[feature.input]!
    const element =
      feature.codes === null
        ? readPlain(feature, this.#reader, datatype)
        : this.#readCode(index, feature.codes, datatype)
    if (!isMisfit(element)) this.#put(index, element)
    else {
      const what = `Feature ${quote(feature.name)}`
      this.#faults.push({
        feature: index,
        refusal: refuseAt(what, element, this.#pointerOf(index)),
      })
    }
  }

  #readCode(
    index: number,
    codes: ReadonlyMap<string, number>,
    datatype: Datatype,
  ): Element | Misfit {
    const text = readElement(this.#reader, 'BYTES')
    if (isMisfit(text)) return text
    const code = codes.get(String(text))
    if (code === undefined) this.#note(index, String(text))
    return toNumericElement(code ?? UNSEEN, datatype)
  }

  #put(index: number, element: Element): void {
    const { input, column } = this.#plan.binding.features[index]!
    const target = this.columns[input]!
    target.put(target.length - this.#plan.features.widths[input]! + column, element)
  }

  #miss(index: number): void {
    const { isRequired, isNoted } = this.#plan.features
    if (isNoted[index]) this.#note(index, null)
    if (!isRequired[index]) return
    const { name } = this.#plan.binding.features[index]!
    this.#faults.push({ feature: index, refusal: missing(name, this.#pointerOf(index)) })
  }

  #note(index: number, text: string | null): void {
    this.extras = noteExtra(this.extras, this.#row - 1, index, text)
  }

  #findMissing(): void {
    for (let i = 0; i < this.#seen.length && !this.#isFull; i++) {
      if (this.#seen[i] !== this.#row) this.#miss(i)
    }
  }

  #pointerOf(index: number): string {
    const part = this.#isList ? index : this.#plan.binding.features[index]!.name
    return rowPointer(this.#rowIndex) + pointer(part)
  }
}
