import { linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { WALK_LIMITS, type WalkLimits } from '../../../src/runtime/onnx-limits.ts'
import { walkOnnx } from '../../../src/runtime/onnx-walker.ts'
import {
  external,
  foreignDomain,
  identity,
  mlp,
  nested,
  ownFunction,
  scaleAdd,
} from '../../helpers/models.ts'
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
  opset,
  value,
  varint,
} from '../../helpers/onnx-writer.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const walk = (bytes: Bytes, limits?: Partial<WalkLimits>, folder = makeTempDir()) => {
  const file = join(folder, 'model.onnx')
  writeFileSync(file, bytes)
  return walkOnnx(file, folder, { ...WALK_LIMITS, ...limits })
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
  'a second graph': model(graph({ nodes: [], outputs: OUTPUTS }), {
    more: [field(7, graph({ nodes: [], outputs: OUTPUTS, initializers: [FAR] }))],
  }),
}

describe('walkOnnx() of sound models', () => {
  test('tells what it found', () => {
    const bytes = model(graph({ nodes: [node('Identity', ['x'], ['y'])], outputs: OUTPUTS }), {
      producer: 'skl2onnx',
      opsets: [opset('ai.onnx.ml', 1), opset('', 17), opset('', 17)],
      metadata: { threshold: '0.5', __proto__x: 'ö' },
    })
    expect(walk(bytes)).toEqual({
      irVersion: 8,
      producer: 'skl2onnx',
      opsets: { 'ai.onnx.ml': 1, '': 17 },
      metadata: { threshold: '0.5', __proto__x: 'ö' },
      nodes: 1,
      externalFiles: [],
    })
  })

  test('names external data once, in order', () => {
    const folder = makeTempDir()
    writeFileSync(join(folder, 'b::1.bin'), Buffer.alloc(24))
    writeFileSync(join(folder, 'a.data'), Buffer.alloc(12))
    const entries = [{ location: 'b::1.bin', length: '12' }, { location: 'a.data' }]
    const tensors = [...entries, { location: 'b::1.bin', offset: '12', length: '12' }]
    const initializers = tensors.map((each, i) => externalTensor(`t${i}`, [3], each))
    const bytes = model(graph({ nodes: [], outputs: OUTPUTS, initializers }))
    expect(walk(bytes, {}, folder)).toMatchObject({ externalFiles: ['b::1.bin', 'a.data'] })
  })

  test('allows operators of a domain that the model itself defines', () => {
    expect(walk(ownFunction())).toMatchObject({ nodes: 2, opsets: { 'pkg.own': 1 } })
  })

  test('allows subgraphs up to the limit', () => {
    expect(walk(nested(63))).toHaveProperty('nodes')
    expect(walk(nested(64))).toMatchObject({ code: 'MODEL_UNSAFE' })
  })
})

describe('walkOnnx() of unsafe models', () => {
  test.each(Object.entries(hiding))('finds external data in %s', (_where, bytes) => {
    expect(walk(bytes)).toMatchObject(outside)
  })

  test.each([
    ...['../x', '/etc/passwd', 'a/b', './x', '..', '.', '', '.hidden', 'a\\b', 'C:\\x', 'a\0b'],
    ...['*/_ORT_MEM_ADDR_/*', `${'n'.repeat(256)}`, 'a\nb'],
  ])('refuses external data at %j', (location) => {
    expect(walk(external({ location }))).toMatchObject(outside)
  })

  test('refuses external data without a location', () => {
    expect(walk(external({}))).toMatchObject(outside)
  })

  test('refuses links and folders as external data', () => {
    const folder = makeTempDir()
    writeFileSync(join(folder, 'real'), Buffer.alloc(12))
    symlinkSync('/etc/passwd', join(folder, 'absolute'))
    symlinkSync('real', join(folder, 'near'))
    symlinkSync('nowhere', join(folder, 'dangling'))
    mkdirSync(join(folder, 'folder'))
    for (const location of ['absolute', 'near', 'dangling', 'folder']) {
      const code = 'MODEL_UNSAFE'
      const detail = `model.onnx: its external data '${location}' is no plain file`
      expect(walk(external({ location }), {}, folder)).toEqual({ code, detail })
    }
    linkSync(join(folder, 'real'), join(folder, 'hard'))
    expect(walk(external({ location: 'hard' }), {}, folder)).toHaveProperty('nodes')
  })

  test.each([
    { offset: '4', length: '12' },
    { offset: '13' },
    { offset: '-1' },
    { length: '13' },
    { length: '-5' },
    { offset: 'far' },
    { length: '1e400' },
    { offset: 'NaN', length: '1' },
  ])('refuses external data that is too short for %j', (place) => {
    const folder = makeTempDir()
    writeFileSync(join(folder, 'data'), Buffer.alloc(12))
    expect(walk(external({ location: 'data', ...place }), {}, folder)).toEqual({
      code: 'MODEL_INVALID',
      detail: "model.onnx: its external data 'data' is too short",
    })
  })

  test('refuses foreign domains, in functions too', () => {
    const detail = "model.onnx: operators of the domain 'com.evil' are not allowed"
    expect(walk(foreignDomain())).toEqual({ code: 'MODEL_UNSAFE', detail })
    const evil = node('Exfiltrate', ['a'], ['b'], { domain: 'com.evil' })
    const more = [field(25, functionOf(['pkg.own', 'F'], [['a'], ['b']], [evil]))]
    expect(walk(model(graph({ nodes: [], outputs: OUTPUTS }), { more }))).toEqual({
      code: 'MODEL_UNSAFE',
      detail,
    })
    expect(walk(ownFunction('Absent'))).toMatchObject({ code: 'MODEL_UNSAFE' })
  })

  test.each([
    ['nodes', { nodesMax: 1 }, scaleAdd()],
    ['tensors', { tensorsMax: 1 }, scaleAdd()],
    ['deep graphs', { depthMax: 2 }, nested(3)],
    ['bytes', { fileBytesMax: 100 }, mlp()],
    [
      'metadata',
      { metadataBytesMax: 10 },
      model(graph({ nodes: [], outputs: OUTPUTS }), { metadata: { key: 'a value' } }),
    ],
    ['domains', { foreignMax: 0 }, ownFunction()],
  ] as const)('refuses too many %s', (_what, limits, bytes) => {
    expect(walk(bytes, limits)).toMatchObject({ code: 'MODEL_UNSAFE' })
  })

  test.each([
    ['negative', [-1]],
    ['overflowing', [2 ** 20, 2 ** 20]],
    ['infinite', new Array(70).fill(2 ** 30)],
  ])('refuses a tensor with %s dimensions', (_what, dims) => {
    const initializers = [floats('w', dims, [])]
    const bytes = model(graph({ nodes: [], outputs: OUTPUTS, initializers }))
    expect(walk(bytes)).toMatchObject({ code: 'MODEL_UNSAFE' })
  })

  test('reads packed dimensions as well', () => {
    const dims = Buffer.concat([varint(2 ** 20), varint(2 ** 20)])
    const initializers = [message(field(1, dims), field(8, 'w'))]
    const bytes = model(graph({ nodes: [], outputs: OUTPUTS, initializers }))
    expect(walk(bytes)).toMatchObject({ code: 'MODEL_UNSAFE' })
  })

  test('refuses a file of 2 GiB without reading it', () => {
    const folder = makeTempDir()
    const file = join(folder, 'model.onnx')
    writeFileSync(file, '')
    truncateSync(file, 2 ** 31)
    expect(walkOnnx(file, folder)).toMatchObject({ code: 'MODEL_UNSAFE' })
  })
})

describe('walkOnnx() of what is no model', () => {
  test.each([
    ['nothing', new Uint8Array()],
    ['text', Buffer.from('PK\x03\x04 a zip file, or a pickle')],
    ['zeros', new Uint8Array(4096)],
    ['ones', new Uint8Array(4096).fill(0xff)],
    ['a number that never ends', new Uint8Array(64).fill(0x80)],
    ['a length beyond the end', Buffer.concat([varint(7 * 8 + 2), varint(2n ** 63n)])],
    ['a group', Buffer.from([0x3b, 0x3c])],
    ['a graph that is a number', field(7, 5)],
    ['a graph in a group', Buffer.concat([field(1, 8), Buffer.from([0x3b])])],
    ['a page of HTML', Buffer.from('<!doctype html><title>404</title>')],
    ['a Git LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00')],
  ])('refuses %s', (_what, bytes) => {
    expect(walk(bytes)).toMatchObject({ code: 'MODEL_INVALID' })
  })

  test('refuses what cannot be opened or read', () => {
    const folder = makeTempDir()
    const code = 'MODEL_INVALID'
    expect(walkOnnx(join(folder, 'absent'), folder)).toMatchObject({ code })
    expect(walkOnnx(folder, folder)).toMatchObject({ code })
  })

  test('refuses every truncation of a model', () => {
    const bytes = identity('FP32')
    for (let length = 0; length < bytes.length; length++) {
      const result = walk(bytes.subarray(0, length))
      // The opset comes last: without it, the rest is a whole message.
      if ('code' in result) expect(result.code).toBe('MODEL_INVALID')
      else expect(result.opsets).toEqual({})
    }
  })
})
