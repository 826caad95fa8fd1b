/**
 * Puts the CUDA provider of ONNX Runtime beside the library of onnxruntime-node, where it is looked
 * for, from a folder with the wheel `onnxruntime-gpu` in it (docs/guides/gpu.md):
 *
 * ```
 * pip install --no-deps --target /opt/ort onnxruntime-gpu==1.30.0
 * node scripts/install-cuda.ts /opt/ort
 * ```
 *
 * What is not what the wheel's RECORD says, or is of another build than the library there, is
 * refused: provider and library share C++ classes.
 */

import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export const PROVIDER_FILES = [
  'libonnxruntime_providers_shared.so',
  'libonnxruntime_providers_cuda.so',
] as const

const CAPI = 'onnxruntime/capi'

/** As the library says it: `ORT Build Info: git-branch=HEAD, git-commit-id=f2c39fe2f, …` */
const COMMIT = /git-commit-id=([0-9a-f]{7,40})/

/** Throws a sentence when it is no library of ONNX Runtime. */
const commitOf = (file: string): string => {
  const commit = COMMIT.exec(readFileSync(file, 'latin1'))?.[1]
  if (commit === undefined) throw new Error(`${file} does not say which build it is`)
  return commit
}

/** SHA-256, base64url without padding, by path: `path,sha256=…,size` (PEP 376, PEP 427). */
const recordOf = (folder: string): ReadonlyMap<string, string> => {
  const info = readdirSync(folder).find((name) => /^onnxruntime_gpu-.*\.dist-info$/.test(name))
  if (info === undefined) throw new Error(`${folder} holds no wheel onnxruntime-gpu`)
  const lines = readFileSync(join(folder, info, 'RECORD'), 'utf8').split('\n')
  return new Map(
    lines.flatMap((line) => {
      const [path = '', hash = ''] = line.split(',')
      return hash.startsWith('sha256=') ? [[path, hash.slice(7)] as const] : []
    }),
  )
}

const only = (folder: string, pattern: RegExp): string => {
  const name = existsSync(folder) ? readdirSync(folder).find((each) => pattern.test(each)) : null
  if (name == null) throw new Error(`${folder} lacks ${pattern.source}`)
  return join(folder, name)
}

/**
 * Copies the provider of the wheel in `wheel` into `binding`, the folder of onnxruntime-node's
 * library. Throws a sentence, and leaves all as it was, where they do not fit.
 */
export const installProvider = (wheel: string, binding: string): string => {
  const record = recordOf(wheel)
  const capi = join(wheel, CAPI)
  const library = only(capi, /^libonnxruntime\.so\.\d/)
  const [theirs, ours] = [library, only(binding, /^libonnxruntime\.so\.1$/)].map(commitOf)
  if (theirs !== ours) {
    throw new Error(`The wheel is of build ${theirs}, onnxruntime-node of ${ours}: they must agree`)
  }
  for (const name of PROVIDER_FILES) {
    const digest = createHash('sha256')
      .update(readFileSync(join(capi, name)))
      .digest('base64url')
    if (record.get(`${CAPI}/${name}`) !== digest) {
      throw new Error(`${name} is not what the wheel's RECORD says: fetch it again`)
    }
  }
  const files = PROVIDER_FILES.map((name) => join(binding, name))
  const copies = files.map((file) => `${file}.new`)
  try {
    for (const [i, copy] of copies.entries()) copyFileSync(join(capi, PROVIDER_FILES[i]!), copy)
    // A gateway that serves has the old ones open.
    for (const [i, copy] of copies.entries()) renameSync(copy, files[i]!)
  } finally {
    for (const copy of copies) rmSync(copy, { force: true, recursive: true })
  }
  return ours!
}

/** Where onnxruntime-node of this checkout has its library. */
const bindingFolder = (): string => {
  const description = createRequire(import.meta.url).resolve('onnxruntime-node/package.json')
  return join(dirname(description), 'bin/napi-v6', process.platform, process.arch)
}

const main = (wheel: string | undefined): number => {
  if (wheel === undefined) {
    console.error('usage: node scripts/install-cuda.ts FOLDER  (see docs/guides/gpu.md)')
    return 2
  }
  try {
    const commit = installProvider(wheel, bindingFolder())
    console.log(`the CUDA provider of build ${commit} is beside its library`)
    return 0
  } catch (thrown) {
    console.error((thrown as Error).message)
    return 1
  }
}

if (import.meta.main) process.exitCode = main(process.argv[2])
