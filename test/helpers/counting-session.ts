/**
 * A test double of a session: answers twice each input row, counts its runs, and throws when a row
 * starts with a poisoned value. Real sessions are tested in test/integration.
 */

import type { Session } from '../../src/runtime/session-types.ts'
import type { Signature, Tensor } from '../../src/shared/tensor.ts'

export const POISON = -1

export class CountingSession implements Session {
  readonly signature: Signature
  readonly runs: number[] = []
  isDisposed = false

  constructor(innerShape: readonly number[] = [2]) {
    const shape = [-1, ...innerShape]
    this.signature = {
      inputs: [{ name: 'x', datatype: 'FP32', shape }],
      outputs: [{ name: 'y', datatype: 'FP32', shape }],
    }
  }

  run(inputs: readonly Tensor[]): Tensor[] {
    const { shape, data } = inputs[0]!
    this.runs.push(shape[0]!)
    const values = data as Float32Array
    if (values.includes(POISON)) throw new Error('row is poisoned at /home/build/op.cc:12')
    return [{ datatype: 'FP32', shape, data: values.map((value) => value * 2) }]
  }

  dispose(): void {
    this.isDisposed = true
  }
}
