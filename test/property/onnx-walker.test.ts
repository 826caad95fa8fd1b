/** Damaged models: the walker refuses or understands, in bounded time, and never throws. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { walkOnnx } from '../../src/runtime/onnx-walker.ts'
import { gather, mlp, nested, ownFunction, slow } from '../helpers/models.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'

const folder = makeTempDir()
const file = join(folder, 'model.onnx')
const WALK_MS_MAX = 1000

const models = fc.constantFrom(mlp([3, 4, 1]), gather(), ownFunction(), nested(5), slow(1))

/** What is wrong with the walker's treatment of some bytes; null when nothing is. */
const faultOf = (bytes: Uint8Array, walk = walkOnnx): string | null => {
  writeFileSync(file, bytes)
  const startedMs = performance.now()
  try {
    const result = walk(file, folder)
    const isRefusal = 'code' in result
    if (isRefusal && !['MODEL_INVALID', 'MODEL_UNSAFE'].includes(result.code)) return result.code
    if (isRefusal && (!result.detail.startsWith('model.onnx') || result.detail.includes(folder))) {
      return `an unclear reason: ${result.detail}`
    }
  } catch (thrown) {
    return `it threw ${String(thrown)}`
  }
  return performance.now() - startedMs > WALK_MS_MAX ? 'it took too long' : null
}

const flipped = fc
  .tuple(
    models,
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 8 }),
  )
  .map(([bytes, flips]) => {
    const damaged = Uint8Array.from(bytes)
    for (const [at, bits] of flips) damaged[at % damaged.length]! ^= bits
    return damaged
  })

test('walkOnnx() refuses or understands models with flipped bytes', () => {
  const property = fc.property(flipped, (bytes) => faultOf(bytes) === null)
  fc.assert(property, { numRuns: propertyRuns(400) })
})

test('walkOnnx() refuses or understands models with parts cut out or doubled', () => {
  const places = fc.tuple(models, fc.nat(), fc.nat(), fc.boolean())
  const property = fc.property(places, ([bytes, a, b, isDoubled]) => {
    const [from, to] = [a % bytes.length, b % bytes.length].sort((x, y) => x - y) as [
      number,
      number,
    ]
    const parts = isDoubled
      ? [bytes.subarray(0, to), bytes.subarray(from)]
      : [bytes.subarray(0, from), bytes.subarray(to)]
    const result = Buffer.concat(parts)
    return faultOf(result) === null
  })
  fc.assert(property, { numRuns: propertyRuns(200) })
})

test('walkOnnx() refuses or understands any bytes', () => {
  const property = fc.property(
    fc.uint8Array({ maxLength: 300 }),
    (bytes) => faultOf(bytes) === null,
  )
  fc.assert(property, { numRuns: propertyRuns(300) })
})

test('the properties notice a walker that throws', () => {
  const careless: typeof walkOnnx = (path, beside) => {
    const result = walkOnnx(path, beside)
    if ('code' in result && result.detail.includes('longer than its message')) throw result
    return result
  }
  const property = fc.property(flipped, (bytes) => faultOf(bytes, careless) === null)
  expect(fc.check(property, { numRuns: propertyRuns(400) }).failed).toBe(true)
})
