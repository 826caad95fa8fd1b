/** Records as a data thread makes them of the requests that the benchmarks send: 30 numbers. */

import type { RecordLayout } from '../../src/records/record-layout.ts'
import { makeWriteFacts, type WriteFacts } from '../../src/records/write-facts.ts'
import { PROTOCOLS } from '../../src/shared/counters.ts'
import type { Tensor } from '../../src/shared/tensor.ts'
import { manifestFeature, recordLayout } from '../../test/helpers/record-layouts.ts'
import { ROW } from '../fixtures.ts'
import { seededUniform } from '../load/arrivals.ts'

/** Every second feature has so many values, as categories and counts have. */
const FEW = 20

const FEATURES = ROW.map((_, column) =>
  manifestFeature({ name: `f${String(column).padStart(2, '0')}`, tensor: 'input', column }),
)

/** Of the network of fixtures.ts, as a manifest describes it. */
export const mlpLayout = (id: number): RecordLayout =>
  recordLayout({
    signature: {
      inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, ROW.length] }],
      outputs: [{ name: 'score', datatype: 'FP32', shape: [-1, 1] }],
    },
    manifest: {
      digest: '',
      features: FEATURES,
      task: 'regression',
      score: { output: 'score', column: 0 },
    },
    id,
  })

/** Answers, one after the other, in one object that is overwritten. */
export class Traffic {
  readonly facts: WriteFacts = makeWriteFacts()
  readonly #inputs: readonly Tensor[]
  readonly #results: readonly Tensor[]
  readonly #rows: number
  #next = 0

  /** `rows`: so many are drawn and taken in turn. */
  constructor(seed: number, rows: number) {
    this.#rows = rows
    const uniform = seededUniform(seed)
    const x = Float32Array.from({ length: rows * ROW.length }, (_, i) =>
      i % 2 === 0 ? uniform() * 2 - 1 : Math.floor(uniform() * FEW),
    )
    const y = Float32Array.from({ length: rows }, uniform)
    this.#inputs = [{ datatype: 'FP32', shape: [rows, ROW.length], data: x }]
    this.#results = [{ datatype: 'FP32', shape: [rows, 1], data: y }]
    const { facts } = this
    facts.status = 200
    facts.protocol = PROTOCOLS.indexOf('features')
    facts.epoch = 1
    facts.decodeMs = 0.0078125
    facts.computeMs = 0.015625
    facts.rows = 1
  }

  /** The facts of the next answer. `startedMs`: when its request arrived, wall clock. */
  next(sequence: number, startedMs: number): WriteFacts {
    const { facts } = this
    const row = this.#next++ % this.#rows
    facts.sequence = sequence
    facts.startedMs = startedMs
    facts.wallOffsetMs = 0
    facts.latencyMs = 0.0625 + row / this.#rows
    facts.queueMs = row / this.#rows
    facts.inputs = this.#inputs
    facts.results = this.#results
    facts.rowStart = row
    return facts
  }
}
