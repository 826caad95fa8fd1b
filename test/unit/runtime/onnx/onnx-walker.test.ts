import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { WALK_LIMITS, type WalkLimits } from '../../../../src/runtime/onnx/onnx-limits.ts'
import { walkOnnx } from '../../../../src/runtime/onnx/onnx-walker.ts'
import {
  foreignDomain,
  identity,
  mlp,
  nested,
  ownFunction,
  scaleAdd,
} from '../../../helpers/models.ts'
import {
  type Bytes,
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
} from '../../../helpers/onnx-writer.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const walk = (bytes: Bytes, limits?: Partial<WalkLimits>, folder = makeTempDir()) => {
  const file = join(folder, 'model.onnx')
  writeFileSync(file, bytes)
  return walkOnnx(file, folder, { ...WALK_LIMITS, ...limits })
}

const OUTPUTS = [value('y', 1, ['N', 3])]

/** A model with so many inputs and outputs. */
const ports = (inputs: number, outputs: number, name = 'x'): Bytes => {
  const values = (count: number) => Array.from({ length: count }, () => value(name, 1, ['N', 2]))
  return model(graph({ nodes: [], inputs: values(inputs), outputs: values(outputs) }))
}

describe('walkOnnx() of sound models', () => {
  test('tells what it found', () => {
    const bytes = model(graph({ nodes: [node('Identity', ['x'], ['y'])], outputs: OUTPUTS }), {
      producer: 'skl2onnx',
      opsets: [opset('ai.onnx.ml', 1), opset('', 17), opset('', 17)],
      metadata: { threshold: '0.5', __proto__x: 'ö' },
    })
    expect(walk(bytes)).toEqual({
      opsets: { 'ai.onnx.ml': 1, '': 17 },
      metadata: { threshold: '0.5', __proto__x: 'ö' },
      externalFiles: [],
    })
  })

  test('allows operators of a domain that the model itself defines', () => {
    expect(walk(ownFunction())).toMatchObject({ opsets: { 'pkg.own': 1 } })
  })

  test('allows subgraphs up to the limit', () => {
    expect(walk(nested(63))).toHaveProperty('opsets')
    expect(walk(nested(64))).toMatchObject({ code: 'MODEL_UNSAFE' })
  })
})

describe('walkOnnx() of unsafe models', () => {
  test('does not take an operator for a function of another domain', () => {
    const nodes = [node('b:c', ['x'], ['y'], { domain: 'a' })]
    const more = [field(25, functionOf(['a:b', 'c'], [['x'], ['y']], []))]
    const result = walk(model(graph({ nodes, outputs: OUTPUTS }), { more }))
    expect(result).toMatchObject({ code: 'MODEL_UNSAFE', detail: expect.stringContaining("'a'") })
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
    ['bytes of a name', { nameBytesMax: 5 }, ownFunction()],
    ['inputs', { portsMax: 1 }, ports(2, 1)],
    ['outputs', { portsMax: 1 }, ports(1, 2)],
    ['bytes of inputs and outputs', { portBytesMax: 60 }, ports(2, 2)],
    ['bytes of one input', {}, ports(1, 1, 'n'.repeat(2000))],
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

  test('reads packed dimensions as well, and none of another wire type', () => {
    const of = (...fields: Bytes[]) => {
      const initializers = [message(...fields, field(8, 'w'))]
      return walk(model(graph({ nodes: [], outputs: OUTPUTS, initializers })))
    }
    const large = Buffer.concat([varint(2 ** 20), varint(2 ** 20)])
    expect(of(field(1, large))).toMatchObject({ code: 'MODEL_UNSAFE' })
    const zero = Buffer.concat([varint(1 * 8 + 5), new Uint8Array(4)])
    expect(of(zero, field(1, 2 ** 31))).toMatchObject({ code: 'MODEL_UNSAFE' })
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
