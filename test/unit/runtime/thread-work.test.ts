import { describe, expect, test } from 'vitest'
import { ThreadWork, type WorkSource } from '../../../src/runtime/thread-work.ts'

const source = (waitingMs: number, turnMs: number): WorkSource => ({
  waitingMs: () => waitingMs,
  turnMs: () => turnMs,
})

describe('ThreadWork', () => {
  test('knows that queues take turns', () => {
    const work = new ThreadWork()
    const own = source(3, 1)
    work.join(own)
    expect(work.othersMs(own, 100)).toBe(0)
    work.join(source(2, 1)) // soon done
    work.join(source(500, 10)) // never done, but one turn for each of ours
    expect(work.othersMs(own, 4)).toBe(2 + 4 * 10)
    const gone = source(7, 7)
    work.join(gone)
    work.leave(gone)
    expect(work.othersMs(own, 4)).toBe(42)
  })

  test('measures how long work takes among what is not inference, while there is any', () => {
    const work = new ThreadWork()
    expect([work.stretch(0), work.lagMs(0)]).toEqual([1, 0])
    for (let i = 0; i < 50; i++) work.turned(3, 1, i)
    expect(work.stretch(49)).toBeCloseTo(3)
    expect(work.lagMs(49)).toBeCloseTo(3)
    // What was measured long ago says little.
    expect(work.stretch(1049)).toBeCloseTo(2)
    expect(work.lagMs(20_049)).toBeCloseTo(0)
  })

  test('holds a stall of the machine against nobody for long', () => {
    const work = new ThreadWork()
    for (let i = 0; i < 50; i++) work.turned(1, 1, i)
    work.turned(10_000, 1, 60)
    expect(work.stretch(60)).toBeLessThan(5)
    for (let i = 0; i < 50; i++) work.turned(1, 1, 61 + i)
    expect(work.stretch(111)).toBeLessThan(1.1)
  })
})
