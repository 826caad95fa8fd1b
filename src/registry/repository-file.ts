/** Reading the small files of a repository: absent, readable, or faulty with a reason; no throw. */

import { lstatSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type ErrorCode, GatewayError, type Refusal, refuse } from '../shared/errors.ts'

/** Vocabularies and grids may be long, but not without bound. */
const FILE_BYTES_MAX = 64 * 1024 * 1024

const exists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined

/** Whether a path is a file, or a link to one. */
export const isFile = (path: string): boolean => {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
  } catch {
    return false // a loop of links, or a folder that may not be entered
  }
}

/** Whether the real place of a path lies within the repository: a link must not lead out of it. */
const isWithin = (root: string, path: string): boolean => {
  const way = relative(root, realpathSync(path))
  return way !== '' && way !== '..' && !way.startsWith('../')
}

/** What is wrong with the place of an existing path; null when nothing is. Throws fs errors. */
const placeFault = (
  root: string,
  path: string,
  what: string,
  wanted: 'file' | 'folder',
): Refusal | null => {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return refuse('MODEL_INVALID', `${what} is a link to nowhere`)
  if (!isWithin(root, path)) {
    return refuse('MODEL_UNSAFE', `${what} is a link that leads out of the repository`)
  }
  const isWanted = wanted === 'file' ? stat.isFile() : stat.isDirectory()
  return isWanted ? null : refuse('MODEL_INVALID', `${what} is no ${wanted}`)
}

/** Whether a file or folder can be used: within the repository, and what it should be. */
export const checkPlace = (
  root: string,
  path: string,
  what: string,
  wanted: 'file' | 'folder',
): Refusal | null => {
  try {
    if (!exists(path)) return refuse('MODEL_INVALID', `There is no ${what}`)
    return placeFault(root, path, what, wanted)
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown'
    // A loop of links does not pass by itself.
    const fault = code === 'ELOOP' ? 'MODEL_INVALID' : 'REPOSITORY_UNREADABLE'
    return refuse(fault, `${what} cannot be read (${code})`)
  }
}

/**
 * Reads and parses an optional file; null when it is absent. Whatever is wrong with it is a refusal
 * with `code`; a link out of the repository is MODEL_UNSAFE, and what the system does not let
 * anybody read REPOSITORY_UNREADABLE: that may pass by itself.
 */
export const readOptional = <T extends object>(
  root: string,
  folder: string,
  { name, code, parse }: { name: string; code: ErrorCode; parse(bytes: Uint8Array): T | Refusal },
): T | Refusal | null => {
  const path = join(folder, name)
  try {
    if (!exists(path)) return null
    const fault = placeFault(root, path, name, 'file')
    if (fault !== null) return fault.code === 'MODEL_UNSAFE' ? fault : refuse(code, fault.detail)
    if (statSync(path).size > FILE_BYTES_MAX) {
      return refuse(code, `${name} exceeds ${FILE_BYTES_MAX} bytes`)
    }
    return parse(readFileSync(path))
  } catch (thrown) {
    const reason = (thrown as NodeJS.ErrnoException).code
    if (reason === undefined) throw thrown
    return refuse('REPOSITORY_UNREADABLE', `${name} cannot be read (${reason})`)
  }
}

/** What the file system said of the repository itself; errors of ours are given back. */
export const unreadable = (thrown: unknown): unknown => {
  const { code } = thrown as NodeJS.ErrnoException
  if (code === undefined || thrown instanceof GatewayError) return thrown
  const reason = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
  const text = `The model repository ${reason}`
  return new GatewayError('REPOSITORY_UNREADABLE', text, { cause: thrown })
}
