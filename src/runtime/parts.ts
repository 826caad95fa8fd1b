/** A request of more rows than one run may have. */

import type { Refusal } from '../shared/errors.ts'
import { allocate, type Tensor } from '../shared/tensor.ts'
import { tooMuchKept } from './run-result.ts'
import { copyElements, sliceTensors } from './tensor-copies.ts'

/** 16 characters of a text are kept in as much memory as a number. */
const TEXT_SHIFT = 4

export interface PartsLimits {
  /** Rows of one part. */
  readonly rowsMax: number
  /** Values of all outputs that are kept: elements, and 16 characters of a text as one more. */
  readonly keptValuesMax: number
}

/** A request of more rows than one run may have, on its way through several runs. */
export class Parts {
  readonly #inputs: readonly Tensor[]
  readonly #rows: number
  readonly #limits: PartsLimits
  #results: Tensor[] | null = null
  /** What the texts count that are kept beside one each. */
  #textValues = 0
  /** Milliseconds that its runs have taken. */
  runMs = 0
  /** Of which inputs were assembled in so many. */
  inputMs = 0
  /** Rows that have been answered. */
  done = 0

  constructor(inputs: readonly Tensor[], rows: number, limits: PartsLimits) {
    this.#inputs = inputs
    this.#rows = rows
    this.#limits = limits
  }

  get nextRows(): number {
    return Math.min(this.#limits.rowsMax, this.#rows - this.done)
  }

  nextInputs(): Tensor[] {
    return sliceTensors(this.#inputs, this.done, this.done + this.nextRows)
  }

  /**
   * Whether the answers to all rows may be kept, if the others are like these of the next: only now
   * is it known how large a row is, and nothing is allocated yet. To be asked once a part.
   */
  admit(answers: readonly Tensor[]): Refusal | null {
    let values = 0
    for (const { data, shape } of answers) {
      values += (data.length / shape[0]!) * this.#rows
      if (!Array.isArray(data)) continue
      for (const text of data) this.#textValues += text.length >> TEXT_SHIFT
    }
    values += this.#textValues
    const { keptValuesMax } = this.#limits
    return values <= keptValuesMax ? null : tooMuchKept(values, keptValuesMax)
  }

  /** Takes in what the next rows have been answered, one row for each; false: of other shapes. */
  add(answers: readonly Tensor[]): boolean {
    this.#results ??= answers.map(({ datatype, shape, data }) => ({
      datatype,
      shape: [this.#rows, ...shape.slice(1)],
      data: allocate(datatype, (data.length / shape[0]!) * this.#rows),
    }))
    for (const [output, { shape, data }] of answers.entries()) {
      const whole = this.#results[output]!
      const stride = data.length / shape[0]!
      if (stride * this.#rows !== whole.data.length) return false
      copyElements(whole.data, this.done * stride, data, data.length)
    }
    this.done += this.nextRows
    return true
  }

  /** The answers to all rows, once they are there; else null. */
  get results(): readonly Tensor[] | null {
    return this.done === this.#rows ? this.#results : null
  }
}
