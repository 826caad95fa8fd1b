import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadProven } from '../../../src/runtime/load-proven.ts'
import { DEFAULT_SESSION } from '../../../src/shared/session-settings.ts'
import { scaleAdd } from '../../helpers/models.ts'
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
  const session = loadProven(file, sha256, DEFAULT_SESSION)
  const input = { datatype: 'FP32', shape: [1, 1], data: Float32Array.of(2) } as const
  expect(session.run([input])[0]?.data).toEqual(Float32Array.of(5))
})

test('loadProven() refuses other bytes, and what is no model', () => {
  const { file, sha256 } = put(scaleAdd())
  writeFileSync(file, scaleAdd(4))
  expect(codeOf(() => loadProven(file, sha256, DEFAULT_SESSION))).toBe('DIGEST_MISMATCH')
  writeFileSync(file, '')
  expect(codeOf(() => loadProven(file, sha256, DEFAULT_SESSION))).toBe('DIGEST_MISMATCH')
  const garbage = put(Buffer.from('garbage'))
  expect(codeOf(() => loadProven(garbage.file, garbage.sha256, DEFAULT_SESSION))).toBe(
    'MODEL_INVALID',
  )
})

test('loadProven() refuses a copy that has gone, without its path', () => {
  const gone = join(makeTempDir(), 'gone.onnx')
  expect(codeOf(() => loadProven(gone, 'x', DEFAULT_SESSION))).toBe('DIGEST_MISMATCH')
  expect(() => loadProven(gone, 'x', DEFAULT_SESSION)).not.toThrow(/tmp/)
})
