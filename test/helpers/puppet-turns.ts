/** Turns that happen only when told, so that batching is deterministic. */

import type { Turns } from '../../src/runtime/batcher-policy.ts'

export class PuppetTurns implements Turns {
  nowMs = 0
  #soon: (() => void)[] = []
  #later: { atMs: number; task: () => void }[] = []

  monotonic(): number {
    return this.nowMs
  }

  soon(task: () => void): void {
    this.#soon.push(task)
  }

  after(delayMs: number, task: () => void): void {
    this.#later.push({ atMs: this.nowMs + delayMs, task })
  }

  /** Ends the present turn of the loop. */
  turn(): void {
    const due = this.#soon
    this.#soon = []
    for (const task of due) task()
  }

  /** Lets time pass, then runs the timers that have come due. */
  advance(ms: number): void {
    this.nowMs += ms
    const due = this.#later.filter(({ atMs }) => atMs <= this.nowMs)
    this.#later = this.#later.filter(({ atMs }) => atMs > this.nowMs)
    for (const { task } of due) task()
  }

  get isIdle(): boolean {
    return this.#soon.length === 0 && this.#later.length === 0
  }
}
