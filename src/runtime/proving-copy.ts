/** A private copy of a version's model, so that what is hashed, walked and loaded is the same. */

import { createHash } from 'node:crypto'
import { constants, fstatSync, mkdirSync, readSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { GatewayError, isRefusal } from '../shared/errors.ts'
import { foldExternal } from './onnx/onnx-fold.ts'
import { type WalkResult, walkOnnx } from './onnx/onnx-walker.ts'
import { NewFile, ours, withFile } from './own-files.ts'
import { MODEL_BYTES_MAX } from './proving-task.ts'

const CHUNK_BYTES = 1024 * 1024
const MODEL = 'model.onnx'

/** The bytes of an open file, in pieces that are valid until the next one is asked for. */
function* chunksOf(fd: number): Generator<Uint8Array> {
  const chunk = Buffer.alloc(CHUNK_BYTES)
  for (let read = readSync(fd, chunk); read > 0; read = readSync(fd, chunk)) {
    yield chunk.subarray(0, read)
  }
}

const tooLarge = (): GatewayError =>
  new GatewayError('MODEL_UNSAFE', 'The model and its external data exceed 2 GiB')

/** Copies a file of at most `bytesMax` bytes. Returns its SHA-256 and size. */
export const copyHashed = (
  from: string,
  to: string,
  flags: number,
  bytesMax: number,
): { sha256: string; bytes: number } =>
  withFile(from, constants.O_RDONLY | flags, (source) => {
    if (fstatSync(source).size > bytesMax) throw tooLarge()
    const hash = createHash('sha256')
    const target = new NewFile(to)
    let bytes = 0
    try {
      for (const chunk of chunksOf(source)) {
        bytes += chunk.length
        if (bytes > bytesMax) throw tooLarge() // it grows while it is read
        hash.update(chunk)
        target.write(chunk)
      }
    } finally {
      target.close()
    }
    return { sha256: hash.digest('hex'), bytes }
  })

/** SHA-256 of a file, in hex. */
export const sha256OfFile = (file: string): string =>
  withFile(file, 'r', (fd) => {
    const hash = createHash('sha256')
    for (const chunk of chunksOf(fd)) hash.update(chunk)
    return hash.digest('hex')
  })

/**
 * The digest of a version: SHA-256 of `model.onnx`; with external data, that of the text which
 * `sha256sum model.onnx <the other files, by name>` prints in the version's folder.
 */
export const versionDigest = (files: Readonly<Record<string, string>>): string => {
  const others = Object.keys(files).filter((name) => name !== MODEL)
  if (others.length === 0) return files[MODEL]!
  const lines = [MODEL, ...others.sort()].map((name) => `${files[name]}  ${name}\n`)
  return createHash('sha256').update(lines.join('')).digest('hex')
}

export interface ModelCopy {
  /** The model in one piece. */
  readonly file: string
  readonly walk: WalkResult
  /** SHA-256 by name, of all files that make up the model. */
  readonly files: Readonly<Record<string, string>>
}

/**
 * Copies a model into a new folder and folds external data in. Throws MODEL_INVALID, MODEL_UNSAFE
 * or STATE_UNWRITABLE.
 */
export const takeCopy = (modelFile: string, folder: string): ModelCopy => {
  ours(() => mkdirSync(folder, { recursive: true }))
  const file = join(folder, MODEL)
  const published = dirname(modelFile)
  let room = MODEL_BYTES_MAX
  const files: Record<string, string> = {}
  const copy = (name: string, flags: number): void => {
    const { sha256, bytes } = copyHashed(join(published, name), join(folder, name), flags, room)
    files[name] = sha256
    room -= bytes
  }
  copy(MODEL, 0)
  const found = walkOnnx(file, published)
  if (isRefusal(found)) throw new GatewayError(found.code, found.detail)
  for (const name of found.externalFiles) if (name !== MODEL) copy(name, constants.O_NOFOLLOW)
  // Once more over the copies: the published files may have changed in between.
  const walk = walkOnnx(file, folder)
  if (isRefusal(walk)) throw new GatewayError(walk.code, walk.detail)
  if (walk.externalFiles.length === 0) return { file, walk, files }
  const folded = join(folder, '.folded.onnx') // external data are never hidden files
  foldExternal(file, folder, folded)
  return { file: folded, walk, files }
}
