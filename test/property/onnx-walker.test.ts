/**
 * Damaged models: the walker refuses or understands, in bounded time, and never throws. Strange
 * models: what it finds out about external data is what ONNX Runtime makes of them.
 */

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { foldExternal } from '../../src/runtime/onnx/onnx-fold.ts'
import { walkOnnx } from '../../src/runtime/onnx/onnx-walker.ts'
import { createSession, type ModelSource } from '../../src/runtime/session.ts'
import { gather, mlp, nested, ownFunction, slow } from '../helpers/models.ts'
import {
  attribute,
  type Bytes,
  field,
  graph,
  message,
  model,
  node,
  value,
  varint,
} from '../helpers/onnx-writer.ts'
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

/** Data in a file, and other data in the tensor itself. */
const FILE = 'far.bin'
const FAR = new Uint8Array(Float32Array.of(100, 200, 300, 400).buffer)
const NEAR = new Uint8Array(Float32Array.of(1, 2, 3).buffer)

const entry = (key: string, text: string) => field(13, message(field(1, key), field(2, text)))
const fixed32 = (number: number, low: number) =>
  message(varint(number * 8 + 5), Uint8Array.of(low, 0, 0, 0))

/** Fields that say, or seem to say, where a tensor's data lie. */
const placing = fc.oneof(
  fc.constantFrom(0n, 1n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 63n + 1n).map((low) => field(14, low)),
  fc.constantFrom(0, 1).map((low) => fixed32(14, low)),
  fc.constantFrom(FILE, FILE, 'absent.bin').map((name) => entry('location', name)),
  fc.constantFrom('0', '4', '8', '-4', '').map((offset) => entry('offset', offset)),
  fc.constantFrom('12', '0', '8', '-12').map((length) => entry('length', length)),
  fc.constant(field(9, NEAR)),
  fc.constant(field(4, NEAR)),
)

const SHAPE = [field(1, 3), field(2, 1), field(8, 'w')]

/** y = x + w, where w is an initializer, or the value of a constant. */
const strange = fc
  .record({ fields: fc.array(placing, { maxLength: 5 }), isConstant: fc.boolean() })
  .map(({ fields, isConstant }): Bytes => {
    const w = message(...SHAPE, ...fields)
    const constant = node('Constant', [], ['w'], { attributes: [attribute.tensor('value', w)] })
    const add = node('Add', ['x', 'w'], ['y'])
    const [inputs, outputs] = ['x', 'y'].map((name) => [value(name, 1, ['N', 3])])
    return model(
      isConstant
        ? graph({ nodes: [constant, add], inputs: inputs!, outputs: outputs! })
        : graph({ nodes: [add], inputs: inputs!, outputs: outputs!, initializers: [w] }),
    )
  })

/** What a model answers to zeros; null when ONNX Runtime does not take it. */
const answerOf = (source: ModelSource): number[] | null => {
  try {
    const session = createSession(source)
    const zeros = { datatype: 'FP32', shape: [1, 3], data: new Float32Array(3) } as const
    const [result] = session.run([zeros])
    session.dispose()
    return Array.from(result!.data as Float32Array)
  } catch {
    return null
  }
}

test('walkOnnx() and foldExternal() read external data as ONNX Runtime does', () => {
  const folder = makeTempDir()
  const [file, folded] = [join(folder, 'model.onnx'), join(folder, 'folded.onnx')]
  writeFileSync(join(folder, FILE), FAR)
  const seen = { refused: 0, external: 0, alone: 0 }
  const property = fc.property(strange, (bytes) => {
    writeFileSync(file, bytes)
    const found = walkOnnx(file, folder)
    if ('code' in found) {
      seen.refused++
      return
    }
    const answer = answerOf({ file })
    const isAlone = found.externalFiles.length === 0
    if (answer !== null) seen[isAlone ? 'alone' : 'external']++
    if (isAlone) expect(answerOf(bytes)).toEqual(answer)
    rmSync(folded, { force: true })
    let whole: number[] | null = null
    try {
      foldExternal(file, folder, folded)
      whole = answerOf(readFileSync(folded))
    } catch {} // too short for the tensor
    expect(whole).toEqual(answer)
  })
  fc.assert(property, { numRuns: propertyRuns(400) })
  // Refused; answered with data of a file; answered with data of its own.
  expect(Math.min(seen.refused, seen.external, seen.alone)).toBeGreaterThan(0)
})
