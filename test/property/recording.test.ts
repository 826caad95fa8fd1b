/**
 * Whatever becomes of requests, each sequence number ends in one record or one reason, and no
 * answer goes out before its record is as safe as was asked.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PredictionRecord } from '../../src/records/record.ts'
import type { Session } from '../../src/runtime/session-types.ts'
import { refuse } from '../../src/shared/errors.ts'
import type { RecordSettings } from '../../src/shared/record-settings.ts'
import type { Tensor } from '../../src/shared/tensor.ts'
import { CountingSession, POISON } from '../helpers/counting-session.ts'
import { epochPlan, plannedVersion } from '../helpers/epoch-plans.ts'
import type { HeldExchange } from '../helpers/held-exchange.ts'
import { RECORDED, RecordKeeping, recorded } from '../helpers/record-keeping.ts'
import { RequestPath } from '../helpers/request-path.ts'

/** Its outputs cannot be read, so that writing the answer throws: a fault of ours. */
const CRASHING = 77

class FaultySession extends CountingSession {
  override run(inputs: Parameters<Session['run']>[0]): Tensor[] {
    const results = super.run(inputs)
    if (!(results[0]!.data as Float32Array).includes(2 * CRASHING)) return results
    return [{ datatype: 'FP32', shape: results[0]!.shape, data: null as never }]
  }
}

/** Its record is more than a tenth of the smallest ring. */
const LARGE = { instances: Array.from({ length: 400 }, () => [1, 2]) }

const BODIES = {
  good: { features: [1, 2] },
  batch: {
    instances: [
      [1, 2],
      [3, 4],
    ],
  },
  many: { instances: Array.from({ length: 20 }, () => [1, 2]) },
  bad: { features: [1] },
  poisoned: { features: [POISON, 2] },
  crashing: { features: [CRASHING, 2] },
  garbage: 'garbage',
} as const

type Step =
  | { readonly send: keyof typeof BODIES; readonly path: string; readonly isRefused: boolean }
  | 'abort'
  | 'turn'
  | 'take'
  | 'persist'
  | 'wake'
  | 'beat'
  | 'commit'
  | { readonly burst: number }
  | { readonly say: 'WELL' | 'FULL' | 'DISK_FULL' | 'IO_ERROR' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      send: fc.constantFrom(...(Object.keys(BODIES) as (keyof typeof BODIES)[])),
      path: fc.constantFrom('/predict/m', '/predict/m', '/predict/off', '/nosuch', '/v2'),
      isRefused: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    }),
  },
  { weight: 6, arbitrary: fc.constantFrom('turn', 'turn', 'take', 'persist', 'wake', 'beat') },
  { weight: 2, arbitrary: fc.constantFrom('abort', 'commit') },
  {
    weight: 1,
    arbitrary: fc.record({ say: fc.constantFrom('WELL', 'FULL', 'DISK_FULL', 'IO_ERROR') }),
  },
)

const steps = fc.array(step, { minLength: 40, maxLength: 160, size: 'max' })

const settings: fc.Arbitrary<Partial<RecordSettings>> = fc.record({
  durability: fc.constantFrom('memory', 'process', 'power'),
  whenFull: fc.constantFrom('drop', 'wait'),
  ringBytes: fc.constantFrom(64 * 1024, 256 * 1024),
  recordBytesMax: fc.constantFrom(200, 16_384),
})

const plan = (epoch: number, rate: number) => {
  const versions = [1, 2].map((version) => plannedVersion({ model: 'm', version }))
  const variants = versions.map(({ version }) => ({
    ...{ name: `v${version}`, version, weightBp: 5000 },
  }))
  const off = plannedVersion({ model: 'off', version: 1 })
  const whole = recorded(epochPlan(epoch, [...versions, off], { m: variants }), {
    ...RECORDED,
    rate,
  })
  const endpoints = whole.endpoints.map((endpoint) =>
    endpoint.name === 'off'
      ? { ...endpoint, records: { ...RECORDED, isRecorded: false } }
      : endpoint,
  )
  return { ...whole, endpoints }
}

class World {
  readonly records: RecordKeeping
  readonly path: RequestPath
  readonly exchanges: HeldExchange[] = []
  readonly kept: PredictionRecord[] = []
  readonly gaps = new Map<number, number>()
  readonly #rate: number
  #epoch = 1

  constructor(given: Partial<RecordSettings>, rate: number) {
    this.records = new RecordKeeping(given)
    this.#rate = rate
    this.path = new RequestPath(plan(1, rate), {
      records: this.records,
      session: () => new FaultySession(),
      queueRowsMax: 5000,
    })
  }

  do(next: Step): void {
    if (typeof next === 'object' && 'send' in next) {
      const refusal = next.isRefused ? refuse('BODY_TOO_LARGE', 'too large') : null
      this.exchanges.push(this.path.send({ path: next.path }, BODIES[next.send], refusal))
    } else if (typeof next === 'object' && 'burst' in next) this.#burst(next.burst)
    else if (typeof next === 'object') this.records.say(next.say)
    else if (next === 'abort') {
      this.exchanges.find(({ answer, isAborted }) => answer === null && !isAborted)?.abort()
    } else if (next === 'turn') this.path.turns.turn()
    else if (next === 'take') this.take(false)
    else if (next === 'persist') this.records.persist()
    else if (next === 'wake') this.records.wake()
    else if (next === 'beat') this.records.thread.onBeat()
    else this.path.commit(plan(++this.#epoch, this.#rate))
  }

  /** Many at once, large ones among them, and some that are refused early. */
  #burst(count: number): void {
    for (let i = 0; i < count; i++) {
      const refusal = i % 5 === 4 ? refuse('BODY_TOO_LARGE', 'too large') : null
      const body = i % 7 === 0 ? LARGE : BODIES.good
      this.exchanges.push(this.path.send({ path: '/predict/m' }, body, refusal))
    }
  }

  take(isDurable: boolean): void {
    const { records, gaps } = this.records.take(isDurable)
    this.kept.push(...records)
    for (const { from, to, reason } of gaps) {
      for (let sequence = from; sequence <= to; sequence++) {
        expect(this.gaps.has(sequence)).toBe(false)
        this.gaps.set(sequence, reason)
      }
    }
  }

  /** All is well again, and what is under way comes to its end. */
  end(): void {
    this.records.say('WELL')
    for (let i = 0; i < 30; i++) {
      this.path.turns.turn()
      this.take(true)
      this.records.wake()
      this.records.thread.onBeat()
    }
  }
}

const idOf = ({ answer }: HeldExchange): string =>
  answer?.headers.get('x-sluice-prediction-id') ?? ''

test('every sequence number has one record or one reason, whatever becomes of its request', () => {
  fc.assert(
    fc.property(settings, fc.constantFrom(1, 0.5, 0), steps, (given, rate, all) => {
      const world = new World(given, rate)
      for (const next of all) world.do(next)
      world.end()
      const { records, kept, gaps, path } = world
      expect(records.faults).toEqual([])
      const sequences = kept.map(({ sequence }) => sequence)
      expect(new Set(sequences).size).toBe(sequences.length)
      const settled = [...sequences, ...gaps.keys()].toSorted((a, b) => a - b)
      expect(settled).toEqual(Array.from({ length: records.taken }, (_, i) => i + 1))
      expect(records.floor).toBe(records.taken + 1)
      expect([records.counted('UNACCOUNTED'), records.counted('KILLED')]).toEqual([0, 0])
      expect([path.inFlight, path.queueRows]).toEqual([0, 0])
      expect(records.thread.recording.promisedUnits).toBe(0)
      for (const exchange of world.exchanges) {
        expect(exchange.answer === null).toBe(exchange.isAborted)
      }
    }),
  )
})

test('a record says what its client was told, and the client has the id of the record', () => {
  fc.assert(
    fc.property(settings, steps, (given, all) => {
      const world = new World(given, 1)
      for (const next of all) world.do(next)
      world.end()
      const byId = new Map(world.kept.map((record) => [record.predictionId, record]))
      for (const exchange of world.exchanges) {
        const record = byId.get(idOf(exchange))
        if (record === undefined) continue
        expect(record.status).toBe(exchange.answer?.status)
        expect(record.code).toBe(exchange.answer?.headers.get('x-sluice-error') ?? '')
        expect(record.role === 'answer').toBe(record.status === 200)
      }
    }),
  )
})

test('no answer goes out before its record is durable, where nothing may be dropped', () => {
  fc.assert(
    fc.property(fc.constantFrom('process' as const, 'power' as const), steps, (durability, all) => {
      const world = new World({ durability, whenFull: 'wait', ringBytes: 64 * 1024 }, 1)
      let durable = 0
      for (const next of all) {
        if (next === 'persist') durable = world.kept.length
        world.do(next)
        const safe = new Set(world.kept.slice(0, durable).map((each) => each.predictionId))
        const released = world.exchanges.filter(({ answer }) => answer?.status === 200)
        const early = released.filter((each) => idOf(each).length > 0 && !safe.has(idOf(each)))
        expect(early.filter(({ path }) => path === '/predict/m')).toEqual([])
      }
    }),
  )
})
