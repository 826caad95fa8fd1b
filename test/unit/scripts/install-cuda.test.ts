import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { installProvider, PROVIDER_FILES } from '../../../scripts/install-cuda.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'
import { makeTree } from '../../helpers/tree.ts'

/** As the libraries of ONNX Runtime 1.30.0 have it, between other texts. */
const built = (commit: string): string =>
  `\0ELF\0ORT Build Info: git-branch=HEAD, git-commit-id=${commit}, build type=Release\0`

const CAPI = 'onnxruntime/capi'
const INFO = 'onnxruntime_gpu-1.30.0.dist-info'
const [SHARED, CUDA] = PROVIDER_FILES

const recordLine = (path: string, content: string): string =>
  `${path},sha256=${createHash('sha256').update(content).digest('base64url')},${content.length}`

/** What `pip install --target` leaves, as far as it matters. */
const wheel = (commit = 'f2c39fe2f'): string =>
  makeTree({
    [`${CAPI}/libonnxruntime.so.1.30.0`]: built(commit),
    [`${CAPI}/${SHARED}`]: 'shared',
    [`${CAPI}/${CUDA}`]: 'cuda',
    [`${INFO}/RECORD`]: [
      recordLine(`${CAPI}/${SHARED}`, 'shared'),
      recordLine(`${CAPI}/${CUDA}`, 'cuda'),
      `${INFO}/RECORD,,`,
    ].join('\n'),
  })

const LIBRARY = 'libonnxruntime.so.1'
const binding = (): string =>
  makeTree({ [LIBRARY]: built('f2c39fe2f'), 'onnxruntime_binding.node': '' })

test('installProvider() puts two files beside the library', () => {
  const folder = binding()
  expect(installProvider(wheel(), folder)).toBe('f2c39fe2f')
  expect(readFileSync(join(folder, SHARED), 'utf8')).toBe('shared')
  expect(readFileSync(join(folder, CUDA), 'utf8')).toBe('cuda')
  const all = [CUDA, SHARED, LIBRARY, 'onnxruntime_binding.node']
  expect(readdirSync(folder).sort()).toEqual(all.sort())
  expect(() => installProvider(wheel(), folder)).not.toThrow()
})

const damaged = (path: string, content: string): string => {
  const folder = wheel()
  writeFileSync(join(folder, path), content)
  return folder
}

test.each([
  ['of another build', () => wheel('0123456ab'), /^The wheel is of build 0123456ab, onnxruntime-/],
  ['that is damaged', () => damaged(`${CAPI}/${CUDA}`, 'cudb'), /_cuda\.so is not what the wheel/],
  ['without digests', () => damaged(`${INFO}/RECORD`, ''), /_shared\.so is not what the wheel/],
  [
    'that says no build',
    () => damaged(`${CAPI}/libonnxruntime.so.1.30.0`, ''),
    /does not say which/,
  ],
  ['that is none', () => makeTempDir('nothing'), /holds no wheel onnxruntime-gpu/],
  ['that has no library', () => makeTree({ [`${INFO}/RECORD`]: '' }), /lacks \^libonnxruntime/],
])('installProvider() refuses a wheel %s, and leaves all as it was', (_, folderOf, says) => {
  const folder = binding()
  expect(() => installProvider(folderOf(), folder)).toThrow(says)
  expect(readdirSync(folder).sort()).toEqual([LIBRARY, 'onnxruntime_binding.node'])
})

test('installProvider() that cannot copy both files changes none, and leaves no copies', () => {
  const folder = binding()
  writeFileSync(join(folder, SHARED), 'old')
  mkdirSync(join(folder, `${CUDA}.new`, 'in the way'), { recursive: true })
  expect(() => installProvider(wheel(), folder)).toThrow(/EISDIR|is a directory/)
  expect(readFileSync(join(folder, SHARED), 'utf8')).toBe('old')
  const left = [LIBRARY, SHARED, 'onnxruntime_binding.node']
  expect(readdirSync(folder).sort()).toEqual(left.sort())
})
