/** In which order the segments of one stream are read, and when those that cannot be read now. */

import type { Refusals } from '../spool/refusals.ts'
import { LOOK_AGAIN_MS, type SegmentPlaces } from './segment-places.ts'
import type { ListedSegment } from './spool-folder.ts'

export class SegmentTurns {
  readonly #monotonic: () => number
  readonly #places: SegmentPlaces
  /** Monotonic ms before which it makes no sense to look again. */
  readonly #notBeforeMs = new Map<string, number>()
  /** There was more to read than there was time for. */
  #isBehind = false
  /** What was tried last cannot be read now, which was not known. */
  isHeldUp = false

  constructor(monotonic: () => number, places: SegmentPlaces) {
    this.#monotonic = monotonic
    this.#places = places
  }

  /** Its segments; what cannot be read comes last, unless nothing else comes to an end. */
  begin(segments: readonly ListedSegment[], underWay: string | null): readonly ListedSegment[] {
    const isLate = ({ file }: ListedSegment) => this.#places.of(file).isPassedOver === true
    const rankOf = (each: ListedSegment): number =>
      // One that is left is begun anew, and what was searched in it behind damage.
      each.file === underWay ? 0 : isLate(each) === this.#isBehind ? 1 : 2
    const order = segments.toSorted((a, b) => rankOf(a) - rankOf(b))
    this.#isBehind = true
    return order
  }

  /** All of them have had their turn. */
  end(): void {
    this.#isBehind = false
  }

  isDue(file: string, passedOver: Refusals): boolean {
    const nowMs = this.#monotonic()
    // As an earlier process has found, or before the spool was away.
    const isKnown = passedOver.has(file) || this.#places.of(file).isPassedOver !== true
    if (!isKnown) passedOver.queue(file)
    return nowMs >= (this.#notBeforeMs.get(file) ?? 0) && passedOver.mayAsk(file)
  }

  /** It cannot be read now; `sinceMs`: when that was tried. */
  passOver(file: string, sinceMs: number, passedOver: Refusals): void {
    if (!passedOver.has(file)) this.isHeldUp = true
    passedOver.add(file, sinceMs)
    this.#notBeforeMs.set(file, this.#monotonic() + LOOK_AGAIN_MS)
  }

  /** It could be read. */
  take(file: string, passedOver: Refusals): void {
    passedOver.delete(file)
    this.isHeldUp = false
  }

  /** What there was to wait for has come to pass. */
  hurry(): void {
    this.#notBeforeMs.clear()
  }

  /** Forgets those that are there no more. */
  forget(): void {
    for (const file of this.#notBeforeMs.keys()) {
      if (!this.#places.has(file)) this.#notBeforeMs.delete(file)
    }
  }
}
