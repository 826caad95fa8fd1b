/** External data, as the walker finds it: in every place, and only where ONNX Runtime reads it. */

import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { walkOnnx } from '../../../../src/runtime/onnx/onnx-walker.ts'
import { external } from '../../../helpers/models.ts'
import {
  attribute,
  type Bytes,
  externalTensor,
  field,
  floats,
  functionOf,
  graph,
  message,
  model,
  node,
  value,
  varint,
} from '../../../helpers/onnx-writer.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const walk = (bytes: Bytes, folder = makeTempDir()) => {
  const file = join(folder, 'model.onnx')
  writeFileSync(file, bytes)
  return walkOnnx(file, folder)
}

const FAR = externalTensor('far', [3], { location: '../far' })
const OUTPUTS = [value('y', 1, ['N', 3])]
const outside = { code: 'MODEL_UNSAFE', detail: expect.stringContaining('beside it') }

/** A model whose external data lies where only a walker that looks everywhere finds it. */
const hiding: Record<string, Bytes> = {
  'an initializer': model(graph({ nodes: [], outputs: OUTPUTS, initializers: [FAR] })),
  'an attribute': model(
    graph({
      nodes: [node('Constant', [], ['y'], { attributes: [attribute.tensor('value', FAR)] })],
      outputs: OUTPUTS,
    }),
  ),
  'a list of tensors': model(
    graph({
      nodes: [node('Any', [], ['y'], { attributes: [message(field(10, FAR))] })],
      outputs: OUTPUTS,
    }),
  ),
  'a subgraph': model(
    graph({
      nodes: [
        node('If', ['c'], ['y'], {
          attributes: [
            attribute.graph(
              'then_branch',
              graph({ nodes: [], outputs: OUTPUTS, initializers: [FAR] }),
            ),
          ],
        }),
      ],
      outputs: OUTPUTS,
    }),
  ),
  'a sparse initializer': model(message(field(15, message(field(1, FAR))))),
  'indices of a sparse attribute': model(
    graph({
      nodes: [node('Any', [], ['y'], { attributes: [message(field(22, message(field(2, FAR))))] })],
      outputs: OUTPUTS,
    }),
  ),
  'a function': model(graph({ nodes: [], outputs: OUTPUTS }), {
    more: [
      field(
        25,
        functionOf(
          ['own', 'F'],
          [[], []],
          [node('Constant', [], ['y'], { attributes: [attribute.tensor('value', FAR)] })],
        ),
      ),
    ],
  }),
  'a default of a function': model(graph({ nodes: [], outputs: OUTPUTS }), {
    more: [field(25, message(field(1, 'F'), field(11, attribute.tensor('value', FAR))))],
  }),
  'training info': model(graph({ nodes: [], outputs: OUTPUTS }), {
    more: [field(20, field(2, graph({ nodes: [], outputs: OUTPUTS, initializers: [FAR] })))],
  }),
}

test('walkOnnx() names external data once, in order', () => {
  const folder = makeTempDir()
  writeFileSync(join(folder, 'b::1.bin'), Buffer.alloc(24))
  writeFileSync(join(folder, 'a.data'), Buffer.alloc(12))
  const entries = [{ location: 'b::1.bin', length: '12' }, { location: 'a.data' }]
  const tensors = [...entries, { location: 'b::1.bin', offset: '12', length: '12' }]
  const initializers = tensors.map((each, i) => externalTensor(`t${i}`, [3], each))
  const bytes = model(graph({ nodes: [], outputs: OUTPUTS, initializers }))
  expect(walk(bytes, folder)).toMatchObject({ externalFiles: ['b::1.bin', 'a.data'] })
})

test.each(Object.entries(hiding))('walkOnnx() finds external data in %s', (_where, bytes) => {
  expect(walk(bytes)).toMatchObject(outside)
})

test.each([
  ...['../x', '/etc/passwd', 'a/b', './x', '..', '.', '', '.hidden', 'a\\b', 'C:\\x', 'a\0b'],
  ...['*/_ORT_MEM_ADDR_/*', `${'n'.repeat(256)}`, 'a\nb'],
])('walkOnnx() refuses external data at %j', (location) => {
  expect(walk(external({ location }))).toMatchObject(outside)
})

test('walkOnnx() refuses external data without a location', () => {
  expect(walk(external({}))).toMatchObject(outside)
})

test('walkOnnx() refuses links and folders as external data', () => {
  const folder = makeTempDir()
  writeFileSync(join(folder, 'real'), Buffer.alloc(12))
  symlinkSync('/etc/passwd', join(folder, 'absolute'))
  symlinkSync('real', join(folder, 'near'))
  symlinkSync('nowhere', join(folder, 'dangling'))
  mkdirSync(join(folder, 'folder'))
  for (const location of ['absolute', 'near', 'dangling', 'folder']) {
    const code = 'MODEL_UNSAFE'
    const detail = `model.onnx: its external data '${location}' is no plain file`
    expect(walk(external({ location }), folder)).toEqual({ code, detail })
  }
  linkSync(join(folder, 'real'), join(folder, 'hard'))
  expect(walk(external({ location: 'hard' }), folder)).toHaveProperty('opsets')
})

/** What is wrong with 12 bytes of external data. */
const faultAt = (place: Record<string, string>): string => {
  const folder = makeTempDir()
  writeFileSync(join(folder, 'data'), Buffer.alloc(12))
  const result = walk(external({ location: 'data', ...place }), folder)
  expect(result).toMatchObject({ code: 'MODEL_INVALID' })
  return (result as { detail: string }).detail
}

test.each([
  { offset: '4', length: '12' },
  { offset: '13' },
  { length: '13' },
  { length: '9'.repeat(400) },
])('walkOnnx() refuses external data that is too short for %j', (place) => {
  expect(faultAt(place)).toBe("model.onnx: its external data 'data' is too short")
})

test.each([
  { offset: '-1' },
  { length: '-5' },
  { offset: 'far' },
  { length: '1e400' },
  { offset: 'NaN', length: '1' },
  { offset: '' },
  { offset: ' 4' },
  { offset: '4.5' },
  { length: '0x4' },
])('walkOnnx() refuses %j as a place of external data', (place) => {
  expect(faultAt(place)).toMatch(/'data' has an offset or length that is no number$/)
})

/** A tensor of three floats with data of its own, and with fields that speak of a file. */
const speakingOf = (...more: Bytes[]): Bytes => {
  const entry = field(13, message(field(1, 'location'), field(2, '../far')))
  const initializers = [message(floats('near', [3], [1, 2, 3]), entry, ...more)]
  return model(graph({ nodes: [], outputs: OUTPUTS, initializers }))
}

test('walkOnnx() lets a tensor with data of its own speak of a file', () => {
  expect(walk(speakingOf())).toMatchObject({ externalFiles: [] })
  expect(walk(speakingOf(field(14, 0)))).toMatchObject({ externalFiles: [] })
  // Of another wire type than onnx.proto has it: protobuf does not read it.
  const fixed = Buffer.concat([varint(14 * 8 + 5), Uint8Array.of(1, 0, 0, 0)])
  expect(walk(speakingOf(fixed))).toMatchObject({ externalFiles: [] })
})

test.each([1n, 2n ** 32n + 1n, 2n ** 63n + 2n ** 32n + 1n])(
  'walkOnnx() takes the location %s for external, as protobuf cuts it to 32 bits',
  (location) => {
    expect(walk(speakingOf(field(14, location)))).toMatchObject(outside)
  },
)

test('walkOnnx() refuses a location that protobuf does not know, whatever stands before it', () => {
  expect(walk(speakingOf(field(14, 1), field(14, 7)))).toMatchObject({ code: 'MODEL_INVALID' })
})

/** A node whose attribute holds the tensors given, in one field each. */
const withValues = (...tensors: Bytes[]): Bytes => {
  const fields = tensors.map((bytes) => field(5, bytes))
  const attributes = [message(field(1, 'value'), ...fields, field(20, 4))]
  return model(graph({ nodes: [node('Constant', [], ['y'], { attributes })], outputs: OUTPUTS }))
}

test('walkOnnx() refuses two halves of a tensor, which protobuf would put together', () => {
  const folder = makeTempDir()
  writeFileSync(join(folder, 'data'), Buffer.alloc(12))
  const isFar = externalTensor('far', [3], { location: 'data' })
  const saysWhere = field(13, message(field(1, 'location'), field(2, '../far')))
  const twice = { code: 'MODEL_UNSAFE', detail: expect.stringContaining('holds twice') }
  expect(walk(withValues(isFar), folder)).toMatchObject({ externalFiles: ['data'] })
  expect(walk(withValues(isFar, saysWhere), folder)).toMatchObject(twice)
  const whole = floats('w', [1], [1])
  const sparse = field(15, message(field(1, whole), field(1, whole)))
  expect(walk(model(sparse))).toMatchObject(twice)
  const more = [field(7, graph({ nodes: [], outputs: [] }))]
  expect(walk(model(graph({ nodes: [], outputs: OUTPUTS }), { more }))).toMatchObject(twice)
})

test('walkOnnx() refuses a place that is named twice, as ONNX Runtime does', () => {
  const folder = makeTempDir()
  for (const name of ['a', 'b']) writeFileSync(join(folder, name), Buffer.alloc(12))
  const tensor = message(
    externalTensor('far', [3], { location: 'a' }),
    field(13, message(field(1, 'location'), field(2, 'b'))),
  )
  const result = walk(model(graph({ nodes: [], outputs: OUTPUTS, initializers: [tensor] })), folder)
  expect(result).toMatchObject({
    code: 'MODEL_INVALID',
    detail: expect.stringMatching(/two entries/),
  })
})
