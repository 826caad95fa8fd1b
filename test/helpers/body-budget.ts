/** A budget of request bodies that counts, as an engine and the request path are given one. */

import { expect } from 'vitest'
import type { BodyLimits } from '../../src/server/body-buffer.ts'

export class BodyBudget implements BodyLimits {
  readonly bodyBytesMax: number
  readonly #roomBytes: number
  takenBytes = 0
  peakBytes = 0

  constructor(bodyBytesMax: number, roomBytes = Number.POSITIVE_INFINITY) {
    this.bodyBytesMax = bodyBytesMax
    this.#roomBytes = roomBytes
  }

  // A property, so that it can be handed on alone.
  readonly takeBodyBytes = (bytes: number): boolean => {
    if (bytes > 0 && this.takenBytes + bytes > this.#roomBytes) return false
    this.takenBytes += bytes
    this.peakBytes = Math.max(this.peakBytes, this.takenBytes)
    expect(this.takenBytes).toBeGreaterThanOrEqual(0)
    return true
  }
}
