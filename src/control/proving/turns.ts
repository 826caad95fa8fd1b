/** At most so many tasks at a time; the others wait for their turn, first come, first served. */

export class Turns {
  readonly #max: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Runs `task` in its turn. `task` may let the next one begin before it ends. */
  async take<T>(task: (letNext: () => void) => Promise<T>): Promise<T> {
    while (this.#running >= this.#max) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#running++
    let isHeld = true
    const letNext = () => {
      if (!isHeld) return
      isHeld = false
      this.#running--
      this.#waiting.shift()?.()
    }
    try {
      return await task(letNext)
    } finally {
      letNext()
    }
  }
}
