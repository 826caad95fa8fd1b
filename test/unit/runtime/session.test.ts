import { describe, expect, test } from 'vitest'
import { createSession, startRuntime } from '../../../src/runtime/session.ts'
import { DEFAULT_SESSION, type SessionSettings } from '../../../src/shared/session-settings.ts'
import {
  DATATYPES,
  type Datatype,
  type Tensor,
  type TensorData,
} from '../../../src/shared/tensor.ts'
import {
  float16,
  gather,
  identity,
  mlp,
  parseNumber,
  scaleAdd,
  sequenceOutput,
} from '../../helpers/models.ts'
import { ELEMENT, field, graph, model, node, value } from '../../helpers/onnx-writer.ts'

const EXTREMES: Record<Datatype, TensorData> = {
  BOOL: Uint8Array.of(0, 1, 1, 0),
  UINT8: Uint8Array.of(0, 1, 127, 255),
  UINT16: Uint16Array.of(0, 1, 32_768, 65_535),
  UINT32: Uint32Array.of(0, 1, 2 ** 31, 2 ** 32 - 1),
  UINT64: BigUint64Array.of(0n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n),
  INT8: Int8Array.of(-128, -1, 0, 127),
  INT16: Int16Array.of(-32_768, -1, 0, 32_767),
  INT32: Int32Array.of(-(2 ** 31), -1, 0, 2 ** 31 - 1),
  INT64: BigInt64Array.of(-(2n ** 63n), -1n, 2n ** 53n + 1n, 2n ** 63n - 1n),
  FP32: Float32Array.of(-0, Number.NaN, Number.NEGATIVE_INFINITY, 1.401298464324817e-45),
  FP64: Float64Array.of(-0, Number.NaN, Number.MAX_VALUE, 5e-324),
  BYTES: ['', 'Zürich \u{1f6eb}', '"\\\n\t', '\u{10ffff}'.repeat(1000)],
}

const floatsOf = (values: readonly number[], shape: readonly number[]): Tensor => ({
  datatype: 'FP32',
  shape,
  data: Float32Array.from(values),
})

describe('run()', () => {
  test.each(DATATYPES)('carries %s exactly in and out', (datatype) => {
    const session = createSession(identity(datatype))
    const data = EXTREMES[datatype]
    expect(session.signature).toEqual({
      inputs: [{ name: 'x', datatype, shape: [-1, 2] }],
      outputs: [{ name: 'y', datatype, shape: [-1, 2] }],
    })
    const input = { datatype, shape: [2, 2], data }
    for (let round = 0; round < 2; round++) {
      expect(session.run([input])).toEqual([{ datatype, shape: [2, 2], data }])
    }
    session.dispose()
  })

  test.each(DATATYPES)('takes empty batches of %s', (datatype) => {
    const session = createSession(identity(datatype))
    const data = datatype === 'BYTES' ? [] : EXTREMES[datatype].slice(0, 0)
    const input = { datatype, shape: [0, 2], data }
    expect(session.run([input])[0]).toEqual(input)
  })

  test('sees what was written into a tensor since the last run', () => {
    const session = createSession(scaleAdd(2))
    const input = floatsOf([1, 2], [1, 2])
    expect(session.run([input])[0]?.data).toEqual(Float32Array.of(3, 5))
    ;(input.data as Float32Array).set([10, 20])
    expect(session.run([input])[0]?.data).toEqual(Float32Array.of(21, 41))
    const texts = createSession(identity('BYTES', ['N']))
    const data = ['a']
    const text: Tensor = { datatype: 'BYTES', shape: [1], data }
    expect(texts.run([text])[0]?.data).toEqual(['a'])
    data[0] = 'b'
    expect(texts.run([text])[0]?.data).toEqual(['b'])
  })

  test('takes a view of a larger buffer', () => {
    const session = createSession(scaleAdd(2))
    const data = Float32Array.of(9, 9, 1, 2, 9).subarray(2, 4)
    expect(session.run([{ datatype: 'FP32', shape: [1, 2], data }])[0]?.data).toEqual(
      Float32Array.of(3, 5),
    )
  })

  test('does not share results between runs', () => {
    const session = createSession(scaleAdd(1))
    const first = session.run([floatsOf([1], [1, 1])])[0]
    session.run([floatsOf([2], [1, 1])])
    expect(first?.data).toEqual(Float32Array.of(3))
  })

  test('orders inputs and outputs by the signature, whatever their names', () => {
    const shape = ['N']
    const { FP32, INT64 } = ELEMENT
    const bytes = model(
      graph({
        nodes: [node('Identity', ['b'], ['constructor']), node('Identity', ['a'], ['1'])],
        inputs: [value('b', FP32, shape), value('a', INT64, shape)],
        outputs: [value('constructor', FP32, shape), value('1', INT64, shape)],
      }),
    )
    const session = createSession(bytes)
    const inputs: Tensor[] = [
      floatsOf([1.5], [1]),
      { datatype: 'INT64', shape: [1], data: BigInt64Array.of(7n) },
    ]
    expect(session.run(inputs)).toEqual(inputs)
  })

  test('throws what the model throws, and answers the next input', () => {
    const session = createSession(gather())
    const input = (index: bigint): Tensor => ({
      datatype: 'INT64',
      shape: [1, 1],
      data: BigInt64Array.of(index),
    })
    expect(() => session.run([input(10n)])).toThrow(/indices element out of data bounds/)
    expect(session.run([input(9n)])[0]?.data).toEqual(Float32Array.of(13.5))
    const parse = createSession(parseNumber())
    expect(() => parse.run([{ datatype: 'BYTES', shape: [1, 1], data: ['?'] }])).toThrow()
  })

  test('throws for tensors that do not fit', () => {
    const session = createSession(scaleAdd(3))
    expect(() => session.run([floatsOf([1, 2], [1, 2])])).toThrow(/invalid dimensions/)
    expect(() => session.run([floatsOf([1, 2], [1, 3])])).toThrow()
    const wrong: Tensor = { datatype: 'FP64', shape: [1, 3], data: new Float64Array(3) }
    expect(() => session.run([wrong])).toThrow(/data type/)
  })
})

const renamed = (name: string): Uint8Array => {
  const [x, y] = ['x', name].map((each) => value(each, ELEMENT.FP32, ['N']))
  return model(graph({ nodes: [node('Identity', ['x'], [name])], inputs: [x!], outputs: [y!] }))
}

describe('createSession()', () => {
  const refusalOf = (bytes: Uint8Array): string => {
    try {
      createSession(bytes).dispose()
    } catch (thrown) {
      return `${(thrown as { code: string }).code}: ${(thrown as Error).message}`
    }
    return 'no refusal'
  }

  test('refuses outputs that are no tensors', () => {
    expect(refusalOf(sequenceOutput())).toBe(
      "MODEL_INVALID: 'y' is not a tensor; export without zipmap",
    )
  })

  test('refuses element types that cannot be exchanged', () => {
    expect(refusalOf(float16())).toBe(
      "MODEL_INVALID: 'x' is FLOAT16, which this runtime cannot exchange; cast it inside the model",
    )
  })

  test.each([
    ['nothing', new Uint8Array()],
    ['garbage', Buffer.from('no model')],
    ['half a model', mlp().subarray(0, 5000)],
    ['unknown operators', model(graph({ nodes: [node('Nope', ['x'], ['y'])], outputs: [] }))],
    ['a later opset', model(graph({ nodes: [], outputs: [] }), { opsets: [field(2, 99)] })],
  ])('refuses %s', (_what, bytes) => {
    expect(refusalOf(bytes)).toMatch(/^MODEL_INVALID: /)
    expect(refusalOf(bytes)).not.toMatch(/onnxruntime_src|\.cc|\/node_modules\//)
  })

  test('refuses names that JavaScript keeps for itself', () => {
    expect(refusalOf(renamed('__proto__'))).toMatch(/^MODEL_INVALID: .*__proto__/)
  })

  test('refuses an input that is named twice', () => {
    const shape = ['N']
    const x = value('x', ELEMENT.FP32, shape)
    const outputs = [value('y', ELEMENT.FP32, shape)]
    const bytes = model(graph({ nodes: [node('Identity', ['x'], ['y'])], inputs: [x, x], outputs }))
    expect(refusalOf(bytes)).toMatch(/^MODEL_INVALID: /)
  })

  test('refuses bytes that ONNX Runtime would take for its own format', () => {
    const bytes = model(graph({ nodes: [], outputs: [] }), { producer: 'ORTM' })
    expect(Buffer.from(bytes).toString('latin1', 4, 8)).toBe('ORTM')
    expect(refusalOf(bytes)).toMatch(/^MODEL_INVALID: It looks like a model in the ORT format/)
  })
})

describe('createSession() with settings', () => {
  const settings: readonly Partial<SessionSettings>[] = [
    { intraOpThreads: 0, interOpThreads: 0 },
    { intraOpThreads: 3 },
    { executionMode: 'parallel', interOpThreads: 2 },
    { graphOptimization: 'disabled' },
    { graphOptimization: 'basic' },
    { graphOptimization: 'extended' },
    { memoryArena: false },
    { memoryPattern: false },
  ]
  test.each(settings)('%o answers the same', (more) => {
    const session = createSession(scaleAdd(2), { ...DEFAULT_SESSION, ...more })
    expect(session.run([floatsOf([1, 2], [1, 2])])[0]?.data).toEqual(Float32Array.of(3, 5))
    session.dispose()
  })

  test('refuses a bad model for what it is, whichever provider it asks for', () => {
    const cuda: SessionSettings = {
      ...{ ...DEFAULT_SESSION, providers: ['cuda'] },
      cuda: { deviceIds: [127], isRequired: false, memoryBytesMax: null },
    }
    expect(() => createSession(Buffer.from('no model'), DEFAULT_SESSION)).toThrow(/ONNX Runtime: /)
    expect(() => createSession(scaleAdd(1), cuda)).toThrow(/cannot use cuda here, on GPU 127: /)
  })
})

test('startRuntime() can be called at any time', () => {
  expect(startRuntime).not.toThrow()
  const session = createSession(scaleAdd(1))
  expect(startRuntime).not.toThrow()
  expect(session.run([floatsOf([1], [1, 1])])[0]?.data).toEqual(Float32Array.of(3))
})
