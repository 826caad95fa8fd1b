/** A private copy of a version's model, so that what is hashed, walked and loaded is the same. */

import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { GatewayError } from '../shared/errors.ts'
import { foldExternal } from './onnx-fold.ts'
import { WALK_LIMITS } from './onnx-limits.ts'
import { type WalkResult, walkOnnx } from './onnx-walker.ts'

const CHUNK_BYTES = 1024 * 1024
const MODEL = 'model.onnx'

const tooLarge = (): GatewayError =>
  new GatewayError('MODEL_UNSAFE', 'The model and its external data exceed 2 GiB')

/** Copies a file of at most `bytesMax` bytes. Returns its SHA-256 and size. */
const copyHashed = (
  from: string,
  to: string,
  flags: number,
  bytesMax: number,
): { sha256: string; bytes: number } => {
  const hash = createHash('sha256')
  const source = openSync(from, constants.O_RDONLY | flags)
  let bytes = 0
  try {
    if (fstatSync(source).size > bytesMax) throw tooLarge()
    const target = openSync(to, 'wx', 0o600)
    try {
      const chunk = Buffer.alloc(CHUNK_BYTES)
      for (let read = readSync(source, chunk); read > 0; read = readSync(source, chunk)) {
        bytes += read
        if (bytes > bytesMax) throw tooLarge() // it grows while it is read
        hash.update(chunk.subarray(0, read))
        for (let at = 0; at < read; ) at += writeSync(target, chunk, at, read - at)
      }
    } finally {
      closeSync(target)
    }
  } finally {
    closeSync(source)
  }
  return { sha256: hash.digest('hex'), bytes }
}

/** SHA-256 of a file, in hex. */
export const sha256OfFile = (file: string): string => {
  const hash = createHash('sha256')
  const source = openSync(file, 'r')
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES)
    for (let read = readSync(source, chunk); read > 0; read = readSync(source, chunk)) {
      hash.update(chunk.subarray(0, read))
    }
  } finally {
    closeSync(source)
  }
  return hash.digest('hex')
}

/** Forces a file to disk: its report must not outlive it in a power failure. */
export const syncFile = (file: string): void => {
  const fd = openSync(file, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

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

/** Copies a model into a new folder and folds external data in. MODEL_INVALID, MODEL_UNSAFE. */
export const takeCopy = (modelFile: string, folder: string): ModelCopy => {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, MODEL)
  const published = dirname(modelFile)
  let room = WALK_LIMITS.fileBytesMax
  const files: Record<string, string> = {}
  const copy = (name: string, flags: number): void => {
    const { sha256, bytes } = copyHashed(join(published, name), join(folder, name), flags, room)
    files[name] = sha256
    room -= bytes
  }
  copy(MODEL, 0)
  const found = walkOnnx(file, published)
  if ('code' in found) throw new GatewayError(found.code, found.detail)
  for (const name of found.externalFiles) if (name !== MODEL) copy(name, constants.O_NOFOLLOW)
  // Once more over the copies: the published files may have changed in between.
  const walk = walkOnnx(file, folder)
  if ('code' in walk) throw new GatewayError(walk.code, walk.detail)
  if (walk.externalFiles.length === 0) return { file, walk, files }
  const folded = join(folder, '.folded.onnx') // external data are never hidden files
  foldExternal(file, folder, folded)
  return { file: folded, walk, files }
}
