import { createHash } from 'node:crypto'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sha256OfFile, takeCopy, versionDigest } from '../../../src/runtime/proving-copy.ts'
import { external, scaleAdd } from '../../helpers/models.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const put = (name: string, bytes: Uint8Array, folder = makeTempDir()): string => {
  writeFileSync(join(folder, name), bytes)
  return join(folder, name)
}

test('takeCopy() is not changed by what happens to the published file', () => {
  const bytes = scaleAdd()
  const published = put('model.onnx', bytes)
  const copy = takeCopy(published, join(makeTempDir(), 'new'))
  writeFileSync(published, 'overwritten')
  expect(sha256OfFile(copy.file)).toBe(sha256(bytes))
  expect(copy.files).toEqual({ 'model.onnx': sha256(bytes) })
})

test('takeCopy() follows a link to the model, as atomic publishing makes them', () => {
  const folder = makeTempDir()
  symlinkSync(put('data.onnx', scaleAdd()), join(folder, 'model.onnx'))
  const copy = takeCopy(join(folder, 'model.onnx'), join(folder, 'new'))
  expect(copy.files).toEqual({ 'model.onnx': sha256(scaleAdd()) })
})

test('takeCopy() takes external data that is the model itself', () => {
  const bytes = external({ location: 'model.onnx', length: '12' })
  const copy = takeCopy(put('model.onnx', bytes), join(makeTempDir(), 'new'))
  expect(Object.keys(copy.files)).toEqual(['model.onnx'])
})

test('takeCopy() tells a state folder that cannot be written from a model that cannot be read', () => {
  const published = put('model.onnx', scaleAdd())
  const codeOf = (act: () => unknown): unknown => {
    try {
      return act()
    } catch (thrown) {
      return (thrown as { code: string }).code
    }
  }
  expect(codeOf(() => takeCopy(published, join(published, 'below')))).toBe('STATE_UNWRITABLE')
  const absent = join(makeTempDir(), 'model.onnx')
  expect(codeOf(() => takeCopy(absent, join(makeTempDir(), 'new')))).toBe('ENOENT')
})

test('versionDigest() is that of the model, or of the lines that sha256sum prints', () => {
  expect(versionDigest({ 'model.onnx': 'aa' })).toBe('aa')
  const lines = 'aa  model.onnx\nbb  b\ncc  c\n'
  expect(versionDigest({ c: 'cc', 'model.onnx': 'aa', b: 'bb' })).toBe(sha256(lines))
})
