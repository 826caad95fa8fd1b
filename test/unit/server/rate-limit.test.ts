import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { paceOf, takeToken } from '../../../src/server/rate-limit.ts'

const words = () => new BigInt64Array(new SharedArrayBuffer(16))

/** A bucket of tokens as it is told in books: real numbers, one reader. */
class Bucket {
  #tokens: number
  #atNs = 0
  readonly #perNs: number
  readonly #burst: number

  constructor(perSecond: number, burst: number) {
    this.#perNs = perSecond / 1e9
    this.#burst = burst
    this.#tokens = burst
  }

  /** How many tokens there are, before one is taken if there is one. */
  take(nowNs: number): number {
    const grown = this.#tokens + (nowNs - this.#atNs) * this.#perNs
    this.#tokens = Math.min(this.#burst, grown)
    this.#atNs = nowNs
    const had = this.#tokens
    if (had >= 1) this.#tokens -= 1
    return had
  }
}

test('takeToken() lets in what a bucket of tokens does', () => {
  const gapsNs = fc.array(fc.integer({ min: 0, max: 2_000_000_000 }), { maxLength: 60 })
  const rate = fc.constantFrom(1, 2, 5, 10, 100, 1000)
  fc.assert(
    fc.property(rate, fc.integer({ min: 1, max: 20 }), gapsNs, (perSecond, burst, gaps) => {
      const [shared, pace] = [words(), paceOf(perSecond, burst)]
      const bucket = new Bucket(perSecond, burst)
      let nowNs = 0
      for (const gap of gaps) {
        nowNs += gap
        const waitNs = takeToken(shared, 1, pace, BigInt(nowNs))
        const had = bucket.take(nowNs)
        // Real numbers are not exact where a token is just complete.
        if (Math.abs(had - 1) < 1e-6) return
        expect(waitNs === 0n).toBe(had > 1)
        if (waitNs > 0n) {
          const wantedNs = (1 - had) * (1e9 / perSecond)
          expect(Math.abs(Number(waitNs) - wantedNs)).toBeLessThan(10)
        }
      }
      expect(shared[0]).toBe(0n)
    }),
  )
})

test('takeToken() says after what time there is a token, and takes none before', () => {
  const [shared, pace] = [words(), paceOf(4, 2)]
  expect(takeToken(shared, 0, pace, 1000n)).toBe(0n)
  expect(takeToken(shared, 0, pace, 1000n)).toBe(0n)
  expect(takeToken(shared, 0, pace, 1000n)).toBe(250_000_000n)
  expect(takeToken(shared, 0, pace, 1000n + 249_999_999n)).toBe(1n)
  expect(takeToken(shared, 0, pace, 1000n + 250_000_000n)).toBe(0n)
})

test('takeToken() forgets what was long ago: no more than the burst is saved up', () => {
  const [shared, pace] = [words(), paceOf(10, 3)]
  const laterNs = 3_600_000_000_000n
  const taken = Array.from({ length: 5 }, () => takeToken(shared, 0, pace, laterNs))
  expect(taken.map((waitNs) => waitNs === 0n)).toEqual([true, true, true, false, false])
})

test('takeToken() gives no token twice, however many threads ask at once', async () => {
  const shared = words()
  const burst = 20_000
  const source = `
    const { workerData, parentPort } = require('node:worker_threads')
    import(workerData.module).then(({ takeToken, paceOf }) => {
      const pace = paceOf(0.001, workerData.burst)
      let taken = 0
      for (let i = 0; i < 10_000; i++) if (takeToken(workerData.words, 0, pace, 0n) === 0n) taken++
      parentPort.postMessage(taken)
    })`
  const module = new URL('../../../src/server/rate-limit.ts', import.meta.url).href
  const ask = () =>
    new Promise<number>((resolve, reject) => {
      const worker = new Worker(source, {
        eval: true,
        workerData: { words: shared, burst, module },
      })
      worker.once('message', resolve)
      worker.once('error', reject)
    })
  const taken = await Promise.all([ask(), ask(), ask(), ask()])
  expect(taken.reduce((sum, each) => sum + each, 0)).toBe(burst)
})
