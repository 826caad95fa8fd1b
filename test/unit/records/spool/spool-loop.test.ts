import { describe, expect, test } from 'vitest'
import { runSpool } from '../../../../src/records/spool/spool-loop.ts'
import type { FromSpool, ToSpool } from '../../../../src/records/spool/spool-messages.ts'
import type { StepOutcome } from '../../../../src/records/spool/spool-writer.ts'
import type { Durability } from '../../../../src/shared/record-settings.ts'
import { THREAD_STATE, THREAD_WORDS } from '../../../../src/shared/shared-memory.ts'

const DRAIN: ToSpool = { type: 'drain', limitMs: 100, ended: [0] }

interface Script {
  readonly durability?: Durability
  /** What steps come to, one after the other; the rings are empty after each. */
  readonly outcomes: readonly StepOutcome[]
  /** Messages by the number of the question for them, from 1. */
  readonly messages?: Readonly<Record<number, ToSpool>>
  /** How often the last word fails. */
  readonly failures?: number
  readonly isEmpty?: boolean
}

/** Runs a loop whose time passes only while it waits. Everything that it does, in order. */
const run = (script: Script): { log: string[]; told: FromSpool[] } => {
  const { durability = 'process', outcomes, messages = {}, failures = 0, isEmpty = true } = script
  const log: string[] = []
  const told: FromSpool[] = []
  const words = new Int32Array(new SharedArrayBuffer(64))
  words[THREAD_WORDS.BELL] = 1
  let [nowMs, questions, steps, attempts] = [0, 0, 0, 0]
  const last = [DRAIN]
  const step = (): StepOutcome => outcomes[steps++] ?? 'idle'
  runSpool({
    spool: {
      begin: step,
      step,
      finish: () => ++attempts > failures,
      giveUp: () => 5,
      isEmpty,
    },
    durability,
    words,
    monotonic: () => nowMs,
    receive: () => {
      questions++
      return messages[questions] ?? (steps > outcomes.length ? (last.pop() ?? null) : null)
    },
    onLayouts: ({ number }) => log.push(`layouts ${number}`),
    tell: (message) => told.push(message),
    wait: (_, index, value, ms) => {
      expect(index).toBe(THREAD_WORDS.BELL)
      expect(words[index]).toBe(value)
      log.push(`${value === 0 ? 'sleeps' : 'pauses'} ${ms}`)
      nowMs += ms
    },
    beat: () => log.push('beats'),
  })
  expect(words[THREAD_WORDS.BELL]).toBe(1)
  return { log, told }
}

describe('how long it sleeps', () => {
  test.each<[Durability, StepOutcome, string]>([
    ['memory', 'worked', 'sleeps 10'],
    ['memory', 'idle', 'sleeps 50'],
    ['memory', 'blocked', 'pauses 100'],
    ['process', 'worked', 'sleeps 250'],
    ['process', 'idle', 'sleeps 250'],
    ['process', 'blocked', 'pauses 100'],
    ['power', 'worked', 'sleeps 250'],
  ])('under %s, after a step that comes to "%s": it %s', (durability, outcome, words) => {
    expect(run({ durability, outcomes: [outcome] }).log).toContain(words)
  })

  test('not at all while there is more', () => {
    expect(run({ outcomes: ['more', 'more', 'worked'] }).log).toEqual([
      'beats',
      'sleeps 250',
      'beats',
    ])
  })

  test('not when something came while the bell was going down', () => {
    expect(run({ outcomes: ['worked'], isEmpty: false }).log).toEqual(['beats'])
    // `memory` gathers: what is in the ring is no reason.
    const { log } = run({ durability: 'memory', outcomes: ['worked'], isEmpty: false })
    expect(log).toEqual(['beats', 'sleeps 10'])
  })
})

test('a message that came while the bell was going down is taken before it sleeps', () => {
  const layouts: ToSpool = { type: 'layouts', number: 3, layouts: [], dropped: [] }
  const { log, told } = run({ outcomes: ['idle', 'idle'], messages: { 2: layouts } })
  expect(log.slice(0, 3)).toEqual(['beats', 'layouts 3', 'sleeps 250'])
  expect(told[0]).toEqual({ type: 'layoutsTaken', number: 3 })
})

test('it beats four times a second, whatever else it does', () => {
  const { log } = run({ durability: 'memory', outcomes: new Array(100).fill('worked') })
  expect(log.filter((line) => line === 'beats').length).toBe(5)
})

test('it ends once the last word is written, or when the time for that is over', () => {
  expect(run({ outcomes: [] }).told).toEqual([{ type: 'drained', lost: 0 }])
  const late = run({ outcomes: [], failures: 3 })
  expect(late.log.filter((line) => line === 'pauses 20').length).toBe(3)
  expect(late.told).toEqual([{ type: 'drained', lost: 0 }])
  expect(run({ outcomes: [], failures: 100 }).told).toEqual([{ type: 'drained', lost: 5 }])
})

test('whatever it does with files, it is seen to wait for the disk', () => {
  const words = new Int32Array(new SharedArrayBuffer(64))
  const states: number[] = []
  const note = <Value>(value: Value): Value => {
    states.push(words[THREAD_WORDS.STATE]!)
    return value
  }
  let nowMs = 0
  const messages: ToSpool[] = [{ type: 'layouts', number: 1, layouts: [], dropped: [] }, DRAIN]
  const waits: number[] = []
  runSpool({
    spool: {
      begin: () => note('idle'),
      step: () => note('idle'),
      finish: () => note(false),
      giveUp: () => note(0),
      isEmpty: true,
    },
    ...{ durability: 'process', words, monotonic: () => nowMs },
    receive: () => messages.shift() ?? null,
    onLayouts: () => {},
    tell: () => {},
    wait: (_words, _index, _value, ms) => {
      nowMs += ms
      waits.push(words[THREAD_WORDS.STATE]!)
    },
    beat: () => {},
  })
  expect(new Set(states)).toEqual(new Set([THREAD_STATE.WRITE]))
  expect(states.length).toBeGreaterThan(3)
  expect(new Set(waits)).toEqual(new Set([THREAD_STATE.IDLE]))
})
