import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PATIENCE_MS, PatientClock } from '../../../../src/records/shipping/patient-clock.ts'

const HOUR_MS = 3_600_000
const YEAR_MS = 8766 * HOUR_MS
const START_MS = Date.UTC(2026, 0, 1)

class Clocks {
  wallMs = START_MS
  monoMs = 1000
  now(): number {
    return this.wallMs
  }
  monotonic(): number {
    return this.monoMs
  }
  pass(ms: number): void {
    this.wallMs += ms
    this.monoMs += ms
  }
}

const make = () => {
  const clocks = new Clocks()
  return { clocks, clock: new PatientClock(clocks) }
}

test('now() is the wall clock while it runs as it should', () => {
  const { clocks, clock } = make()
  for (const ms of [0, 1, 250, HOUR_MS, 30 * 24 * HOUR_MS]) {
    clocks.pass(ms)
    clocks.wallMs += ms % 7
    expect(clock.now()).toBe(clocks.wallMs)
  }
})

test('now() does not believe a leap ahead for a day, then it does', () => {
  const { clocks, clock } = make()
  clocks.wallMs += 10 * YEAR_MS
  expect(clock.now()).toBe(START_MS)
  clocks.pass(HOUR_MS)
  expect(clock.now()).toBe(START_MS + HOUR_MS)
  clocks.pass(PATIENCE_MS - HOUR_MS - 1)
  expect(clock.now()).toBe(START_MS + PATIENCE_MS - 1)
  clocks.pass(1)
  expect(clock.now()).toBe(clocks.wallMs)
  clocks.pass(HOUR_MS)
  expect(clock.now()).toBe(clocks.wallMs)
})

test('now() follows a clock that is set right again, or back', () => {
  const { clocks, clock } = make()
  clocks.wallMs += YEAR_MS
  clock.now()
  clocks.wallMs -= YEAR_MS
  clocks.pass(HOUR_MS)
  expect(clock.now()).toBe(START_MS + HOUR_MS)
  clocks.wallMs -= YEAR_MS
  expect(clock.now()).toBe(START_MS + HOUR_MS - YEAR_MS)
  clocks.wallMs += 2 * YEAR_MS
  expect(clock.now()).toBe(START_MS + HOUR_MS - YEAR_MS)
})

test('now() is never ahead of the wall clock, whatever that does', () => {
  const step = fc.tuple(
    fc.integer({ min: 0, max: 48 * HOUR_MS }),
    fc.oneof(fc.constant(0), fc.integer({ min: -20 * YEAR_MS, max: 20 * YEAR_MS })),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const { clocks, clock } = make()
      for (const [ms, leapMs] of steps) {
        clocks.pass(ms)
        clocks.wallMs += leapMs
        expect(clock.now()).toBeLessThanOrEqual(clocks.wallMs)
      }
    }),
  )
})

test('a clock that is ahead when a process starts is not believed for a day, over all restarts', () => {
  const { clocks, clock } = make()
  const { time } = clock
  clocks.wallMs += YEAR_MS
  const second = new PatientClock(clocks, time)
  expect(second.now()).toBe(START_MS)
  clocks.pass(HOUR_MS)
  expect(second.now()).toBe(START_MS + HOUR_MS)
  clocks.pass(PATIENCE_MS - HOUR_MS - 1)
  expect(new PatientClock(clocks, second.time).now()).toBeLessThan(START_MS + YEAR_MS)
  clocks.pass(1)
  expect(new PatientClock(clocks, second.time).now()).toBe(clocks.wallMs)
})

test('a clock that has run as it should has nothing to be patient about after a restart', () => {
  const { clocks, clock } = make()
  clocks.pass(HOUR_MS - 1)
  expect(new PatientClock(clocks, clock.time).now()).toBe(clocks.wallMs)
  clocks.wallMs -= YEAR_MS
  expect(new PatientClock(clocks, clock.time).now()).toBe(clocks.wallMs)
})

/** A machine without a clock of its own: what it says when it starts, and when it is told. */
const boot = (clocks: Clocks, time: PatientClock['time'] | null, nowMs: number) => {
  clocks.wallMs = 60_000
  const clock = new PatientClock(clocks, time)
  clock.now()
  clocks.pass(60_000)
  clock.now()
  clocks.wallMs = nowMs
  clock.now()
  return clock
}

test('today() tells what a time was that was told before the clock was set, over processes', () => {
  for (const hasRestart of [false, true]) {
    const clocks = new Clocks()
    let clock = boot(clocks, null, START_MS)
    // It is not known yet which of the two is right.
    expect(clock.today(70_000)).toBe(70_000)
    for (let hour = 0; hour < 25; hour++) {
      clocks.pass(HOUR_MS)
      if (hasRestart) clock = new PatientClock(clocks, JSON.parse(JSON.stringify(clock.time)))
      clock.now()
    }
    expect(clock.today(70_000)).toBe(START_MS - 50_000)
    // Of the years before, and of what came then.
    for (const ms of [START_MS - YEAR_MS, START_MS + HOUR_MS]) expect(clock.today(ms)).toBe(ms)
    // It was off for a week, and starts without its clock once more, two months later.
    const later = START_MS + YEAR_MS / 6
    clock = boot(clocks, JSON.parse(JSON.stringify(clock.time)), later)
    clocks.pass(25 * HOUR_MS)
    clock.now()
    expect(clock.today(70_000)).toBe(later - 50_000)
    expect(clock.today(START_MS)).toBe(START_MS)
  }
})

test('today() adds up what a clock was set ahead, and forgets what was set back', () => {
  const { clocks, clock } = make()
  for (let times = 0; times < 2; times++) {
    clocks.pass(HOUR_MS)
    clock.now()
    clocks.wallMs += YEAR_MS
    clock.now()
    clocks.pass(25 * HOUR_MS)
    clock.now()
  }
  expect(clock.today(START_MS)).toBe(START_MS + 2 * YEAR_MS)
  clocks.wallMs -= YEAR_MS
  clock.now()
  expect(clock.today(START_MS)).toBe(START_MS + YEAR_MS)
  clocks.wallMs -= YEAR_MS
  clock.now()
  expect(clock.today(START_MS)).toBe(START_MS)
})

test('what is believed is to be noted now and then, and a leap when it is first seen', () => {
  const { clocks, clock } = make()
  const pass = (ms: number): boolean => {
    clocks.pass(ms)
    clock.now()
    return clock.isUnnoted
  }
  expect([pass(HOUR_MS / 4), pass(HOUR_MS / 4)]).toEqual([false, true])
  clock.note()
  expect(pass(1)).toBe(false)
  clocks.wallMs += YEAR_MS
  expect(pass(1)).toBe(true)
  const next = new PatientClock(clocks, clock.note())
  expect([clock.isUnnoted, next.isUnnoted]).toEqual([false, false])
})
