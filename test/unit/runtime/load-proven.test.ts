import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadProven } from '../../../src/runtime/load-proven.ts'
import { warmUp, zeroInput } from '../../../src/runtime/warm-up.ts'
import type { BatchPolicy } from '../../../src/shared/epoch-plan.ts'
import { gather, identity, parseNumber, scaleAdd } from '../../helpers/models.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const put = (bytes: Uint8Array): { file: string; sha256: string } => {
  const file = join(makeTempDir(), 'proven.onnx')
  writeFileSync(file, bytes)
  return { file, sha256: createHash('sha256').update(bytes).digest('hex') }
}

const codeOf = (act: () => unknown): string => {
  try {
    act()
  } catch (thrown) {
    return (thrown as { code: string }).code
  }
  return 'none'
}

test('loadProven() makes a session of the bytes that were proved', () => {
  const { file, sha256 } = put(scaleAdd(1))
  const session = loadProven(file, sha256)
  const input = { datatype: 'FP32', shape: [1, 1], data: Float32Array.of(2) } as const
  expect(session.run([input])[0]?.data).toEqual(Float32Array.of(5))
})

test('loadProven() refuses other bytes, and what is no model', () => {
  const { file, sha256 } = put(scaleAdd())
  writeFileSync(file, scaleAdd(4))
  expect(codeOf(() => loadProven(file, sha256))).toBe('DIGEST_MISMATCH')
  writeFileSync(file, '')
  expect(codeOf(() => loadProven(file, sha256))).toBe('DIGEST_MISMATCH')
  const garbage = put(Buffer.from('garbage'))
  expect(codeOf(() => loadProven(garbage.file, garbage.sha256))).toBe('MODEL_INVALID')
})

test('loadProven() refuses a copy that has gone, without its path', () => {
  const gone = join(makeTempDir(), 'gone.onnx')
  expect(codeOf(() => loadProven(gone, 'x'))).toBe('DIGEST_MISMATCH')
  expect(() => loadProven(gone, 'x')).not.toThrow(/tmp/)
})

const POLICY: BatchPolicy = {
  rowsMax: 8,
  mixesRequests: true,
  preferredRows: [],
  queueDelayUsMax: 0,
}

test.each([
  ['rows', scaleAdd(), POLICY],
  ['text', identity('BYTES'), POLICY],
  ['no row dimension', identity('FP32', []), { ...POLICY, rowsMax: 0 }],
  ['a fixed shape', identity('INT64', [2, 3]), { ...POLICY, rowsMax: 0 }],
  ['an index', gather(), POLICY],
  ['a refusal of zeros', parseNumber(), POLICY],
])('warmUp() does no harm to a model of %s', (_what, bytes, policy) => {
  const { file, sha256 } = put(bytes)
  warmUp(loadProven(file, sha256), policy)
})

test('zeroInput() has the rows asked for and 1 for other free dimensions', () => {
  const signature = { name: 'x', datatype: 'INT64', shape: [-1, 2, -1] } as const
  const data = new BigInt64Array(6)
  expect(zeroInput(signature, 3)).toEqual({ datatype: 'INT64', shape: [3, 2, 1], data })
})
