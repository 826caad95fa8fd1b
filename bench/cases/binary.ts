/** Binary tensors of the Open Inference Protocol: 64 rows of 30 floats, and their answer. */

import { decodeRequest, encodeResponse } from '../../src/server/protocols/oip/oip-json.ts'
import { seededUniform } from '../load/arrivals.ts'
import type { MicroCase } from '../measure/micro-case.ts'
import { answerOfRows, decodeCase, numbersPlan } from './decode.ts'

const ROWS = 64
const WIDTH = 30
const encoder = new TextEncoder()

/** What tritonclient sends; all have as many characters. */
const jsonPart = (id: string, custom = ''): Uint8Array =>
  encoder.encode(
    JSON.stringify({
      ...(id === '' ? {} : { id }),
      inputs: [
        {
          name: 'input',
          shape: [ROWS, WIDTH],
          datatype: 'FP32',
          parameters: { binary_data_size: ROWS * WIDTH * 4 },
        },
      ],
      parameters: { binary_data_output: true, ...(custom === '' ? {} : { custom }) },
    }),
  )

/** The numbers lie `offset` bytes behind a multiple of 8 in the memory of the body. */
const bodyOf = (json: Uint8Array, offset: number): Uint8Array => {
  const uniform = seededUniform(64)
  const numbers = Float32Array.from({ length: ROWS * WIDTH }, () => uniform() * 2 - 1)
  const from = 8 - (json.length % 8) + offset
  const memory = new Uint8Array(from + json.length + numbers.byteLength)
  memory.set(json, from)
  memory.set(new Uint8Array(numbers.buffer), from + json.length)
  return memory.subarray(from)
}

const known = jsonPart('')
const withIds = Array.from({ length: 10 }, (_, i) => jsonPart(`request-${i}`))
/** More than are kept, each used again when it has been forgotten. */
const unknown = Array.from({ length: 10 }, (_, i) => jsonPart('', `custom-${i}`))

const binaryCase = (name: string, parts: readonly Uint8Array[], offset: number): MicroCase => {
  const bodies = parts.map((json) => bodyOf(json, offset))
  return decodeCase(name, bodies, numbersPlan, decodeRequest, parts[0]!.length)
}

const encodeCase: MicroCase = {
  name: 'encode: 64 rows of 2 outputs, binary',
  setup: () => {
    const plan = numbersPlan()
    const outputs = [0, 1].map((index) => ({ index, isBinary: true, classes: 0 }))
    const answer = { ...answerOfRows(plan, ROWS), outputs }
    return () => {
      const body = encodeResponse(answer)
      return typeof body === 'object' && 'jsonBytes' in body ? body.bytes.length : -1
    }
  },
}

export const binary: readonly MicroCase[] = [
  binaryCase('decode: 64 rows of 30 floats, binary, aligned', [known], 0),
  binaryCase('decode: 64 rows of 30 floats, binary, unaligned', [known], 1),
  binaryCase('decode: 64 rows of 30 floats, binary, another id each', withIds, 1),
  binaryCase('decode: 64 rows of 30 floats, binary, new JSON part', unknown, 1),
  encodeCase,
]
