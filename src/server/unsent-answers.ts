/**
 * Answers of a thread that wait for their readers. Together they are bounded: what would exceed
 * drops those that wait longest without progress, and their connections with them. One alone may be
 * of any size.
 */

interface Droppable {
  /** Ends the connection. `release` follows, at once or later. */
  drop(): void
}

export class UnsentAnswers {
  readonly #bytesMax: number
  /** In the order in which they came or last made progress (which only uWebSockets tells). */
  readonly #bytes = new Map<Droppable, number>()
  #sumBytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get sumBytes(): number {
    return this.#sumBytes
  }

  /** `answer` keeps so many bytes from now on, in all, until it is released. */
  hold(answer: Droppable, bytes: number): void {
    this.#sumBytes += bytes - (this.#bytes.get(answer) ?? 0)
    this.#bytes.set(answer, bytes)
    for (const [other] of this.#bytes) {
      if (this.#sumBytes <= this.#bytesMax || other === answer) return
      this.release(other)
      other.drop()
    }
  }

  /** The client has taken some of it. */
  progress(answer: Droppable): void {
    const bytes = this.#bytes.get(answer)
    if (bytes === undefined) return
    this.#bytes.delete(answer)
    this.#bytes.set(answer, bytes)
  }

  /** Does nothing for one that is not held. */
  release(answer: Droppable): void {
    this.#sumBytes -= this.#bytes.get(answer) ?? 0
    this.#bytes.delete(answer)
  }
}
