import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { foldExternal } from '../../../../src/runtime/onnx/onnx-fold.ts'
import { mlp } from '../../../helpers/models.ts'
import {
  attribute,
  type Bytes,
  ELEMENT,
  externalTensor,
  field,
  floats,
  functionOf,
  graph,
  message,
  model,
  node,
  value,
} from '../../../helpers/onnx-writer.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const DATA = [1.5, -2, 3e38]
const INLINE = floats('far', [3], DATA)
const bytesOf = (...numbers: number[]) => new Uint8Array(Float32Array.from(numbers).buffer)

const fold = (bytes: Bytes, files: Readonly<Record<string, Uint8Array>> = {}): Bytes => {
  const folder = makeTempDir()
  const [file, target] = [join(folder, 'model.onnx'), join(folder, 'folded')]
  writeFileSync(file, bytes)
  for (const [name, data] of Object.entries(files)) writeFileSync(join(folder, name), data)
  foldExternal(file, folder, target)
  return new Uint8Array(readFileSync(target))
}

/** A model that holds `tensor` in every place where a tensor can be. */
const everywhere = (tensor: Bytes): Bytes => {
  const constant = node('Constant', [], ['c'], { attributes: [attribute.tensor('value', tensor)] })
  const inner = graph({ nodes: [constant], outputs: [], initializers: [tensor] })
  const branch = attribute.graph('then_branch', inner)
  const lists = message(field(1, 'all'), field(10, tensor), field(10, tensor), field(11, inner))
  const sparse = message(field(22, message(field(1, tensor), field(2, tensor))))
  // A number that no double holds, and a field that nobody knows, must come through untouched.
  const large = message(field(1, 'large'), field(3, -(2n ** 63n) + 1n), field(20, 2))
  const unknown = field(999, 2n ** 64n - 1n)
  const attributes = [branch, large, lists, sparse, attribute.float('alpha', 0.1), unknown]
  const nodes = [node('If', ['x'], ['y'], { attributes }), constant]
  const whole = graph({ nodes, outputs: [value('y', ELEMENT.FP32, ['N'])], initializers: [tensor] })
  const defaults = message(field(1, 'G'), field(11, attribute.tensor('value', tensor)))
  const more = [
    field(20, message(field(1, inner), field(2, inner))),
    field(25, functionOf(['own', 'F'], [[], []], [constant])),
    field(25, defaults),
  ]
  const sparseWeights = field(15, message(field(1, tensor)))
  return model(message(whole, sparseWeights), { more, metadata: { a: 'b' } })
}

test('foldExternal() puts the data wherever a tensor can be, and changes nothing else', () => {
  const far = externalTensor('far', [3], { location: 'w', offset: '4', length: '12' })
  expect(fold(everywhere(far), { w: bytesOf(9, ...DATA, 9) })).toEqual(everywhere(INLINE))
})

test('foldExternal() copies models without external data byte for byte', () => {
  expect(fold(mlp())).toEqual(mlp())
  expect(fold(everywhere(INLINE))).toEqual(everywhere(INLINE))
})

const single = (tensor: Bytes) => model(graph({ nodes: [], outputs: [], initializers: [tensor] }))

test('foldExternal() takes as many bytes as the tensor has when it does not say', () => {
  const far = externalTensor('far', [3], { location: 'w' })
  expect(fold(single(far), { w: bytesOf(...DATA, 9, 9) })).toEqual(single(INLINE))
  const dims = Uint8Array.of(3, 1)
  const packed = (more: Bytes) =>
    single(message(field(1, dims), field(2, ELEMENT.FP32), field(8, 'far'), more))
  const location = message(field(1, 'location'), field(2, 'w'))
  const raw = field(9, bytesOf(...DATA))
  const entries = message(field(13, location), field(14, 1))
  expect(fold(packed(entries), { w: bytesOf(...DATA, 9) })).toEqual(packed(raw))
})

test('foldExternal() keeps data of the tensor itself, without entries that lead elsewhere', () => {
  const entry = field(13, message(field(1, 'location'), field(2, 'w')))
  const stale = (...location: Bytes[]) => single(message(INLINE, entry, ...location))
  const w = bytesOf(9, 9, 9)
  for (const location of [[], [field(14, 0)], [field(14, 2n ** 32n)]]) {
    expect(fold(stale(...location), { w })).toEqual(single(INLINE))
  }
})

test('foldExternal() drops what data the tensor has beside those in a file', () => {
  const own = [field(4, bytesOf(7, 7, 7)), field(9, bytesOf(8, 8, 8))]
  const far = message(...own, externalTensor('far', [3], { location: 'w' }))
  expect(fold(single(far), { w: bytesOf(...DATA) })).toEqual(single(INLINE))
})

test('foldExternal() leaves no file open when the target cannot be made', () => {
  const folder = makeTempDir()
  writeFileSync(join(folder, 'model.onnx'), mlp())
  const openFiles = () => readdirSync('/proc/self/fd').length
  const before = openFiles()
  const unwritable = { code: 'STATE_UNWRITABLE' }
  for (let i = 0; i < 5; i++) {
    const attempt = () => foldExternal(join(folder, 'model.onnx'), folder, folder)
    expect(attempt).toThrow(expect.objectContaining(unwritable))
  }
  expect(openFiles()).toBe(before)
})

test('foldExternal() refuses data that is too short for the tensor', () => {
  const far = externalTensor('far', [3], { location: 'w' })
  const bytes = model(graph({ nodes: [], outputs: [], initializers: [far] }))
  const short = { w: bytesOf(1, 2) }
  expect(() => fold(bytes, short)).toThrow("its external data 'w' is too short")
})

test('foldExternal() refuses many tensors of the same large data', () => {
  const size = 2 ** 27
  const far = externalTensor('far', [size / 4], { location: 'w' })
  const initializers = Array.from({ length: 17 }, () => far)
  const bytes = model(graph({ nodes: [], outputs: [], initializers }))
  expect(() => fold(bytes, { w: new Uint8Array(size) })).toThrow('exceeds 2 GiB')
})
