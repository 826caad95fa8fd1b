/**
 * A file system in memory that forgets what a real one may: the page cache is what everybody sees,
 * the disk has what was synced and, after a power failure, any part of the rest (sectors of writes,
 * names in folders), as POSIX allows it.
 */

import { posix } from 'node:path'
import type { FileCalls, FileStat } from '../../src/records/spool/file-calls.ts'

const SECTOR_BYTES = 512

/** A change of a file that no fsync has covered. */
interface Change {
  readonly at: number
  /** Null: it was cut off at `at`. */
  readonly bytes: Uint8Array | null
  /** An fsync has failed on it: no later one covers it, although it says so. */
  isDoubtful: boolean
}

class Content {
  bytes = new Uint8Array(0)
  length = 0

  apply({ at, bytes }: Pick<Change, 'at' | 'bytes'>): void {
    if (bytes === null) {
      this.#reserve(at)
      this.bytes.fill(0, Math.min(at, this.length))
      this.length = at
      return
    }
    this.#reserve(at + bytes.length)
    this.bytes.set(bytes, at)
    this.length = Math.max(this.length, at + bytes.length)
  }

  #reserve(length: number): void {
    if (length <= this.bytes.length) return
    const larger = new Uint8Array(Math.max(length, 2 * this.bytes.length))
    larger.set(this.bytes)
    this.bytes = larger
  }
}

class FileNode {
  readonly kind = 'file'
  cache = new Content()
  disk = new Content()
  pending: Change[] = []

  change(at: number, bytes: Uint8Array | null): void {
    const change = { at, bytes, isDoubtful: false }
    this.cache.apply(change)
    this.pending.push(change)
  }
}

/** Names that change at once. */
type Renaming = readonly (readonly [name: string, node: Node | null])[]

class FolderNode {
  readonly kind = 'folder'
  cache = new Map<string, Node>()
  disk = new Map<string, Node>()
  pending: Renaming[] = []

  change(renaming: Renaming): void {
    applyNames(this.cache, renaming)
    this.pending.push(renaming)
  }
}

type Node = FileNode | FolderNode

const applyNames = (names: Map<string, Node>, renaming: Renaming): void => {
  for (const [name, node] of renaming) {
    if (node === null) names.delete(name)
    else names.set(name, node)
  }
}

const fail = (code: string): never => {
  throw Object.assign(new Error(`${code}: by the file system in memory`), { code })
}

/** Whether a part of what was not synced has come to the disk all the same. */
export type Survives = () => boolean

export class CrashFiles implements FileCalls {
  #root = new FolderNode()
  readonly #open = new Map<number, { node: Node; at: number }>()
  #lastFile = 2

  /** Files that are open. */
  get openFiles(): number {
    return this.#open.size
  }

  /** Every process is killed: what was written stays, what was open is closed. */
  kill(): void {
    this.#open.clear()
  }

  /** Power fails: of what was not synced stays what `survives` says, asked once for each part. */
  failPower(survives: Survives): void {
    this.#open.clear()
    const seen = new Set<Node>()
    const settle = (node: Node): void => {
      if (seen.has(node)) return
      seen.add(node)
      if (node.kind === 'file') settleFile(node, survives)
      else {
        for (const renaming of node.pending) {
          if (survives()) applyNames(node.disk, renaming)
        }
        node.pending = []
        node.cache = new Map(node.disk)
        for (const child of node.cache.values()) settle(child)
      }
    }
    settle(this.#root)
  }

  /** What a failed fsync does: the kernel forgets that these were to be written. */
  failSync(file: number): void {
    const { node } = this.#at(file)
    if (node.kind === 'file') for (const change of node.pending) change.isDoubtful = true
  }

  open(path: string, flags: string): number {
    let node = this.#find(path)
    if (flags === 'wx' && node !== null) fail('EEXIST')
    if (node === null) {
      if (flags === 'r' || flags === 'r+') fail('ENOENT')
      node = new FileNode()
      this.#folderOf(path).change([[posix.basename(path), node]])
    }
    if (node.kind === 'folder' && flags !== 'r') fail('EISDIR')
    if (flags === 'w' && node.kind === 'file') node.change(0, null)
    const at = flags === 'a' && node.kind === 'file' ? node.cache.length : 0
    this.#open.set(++this.#lastFile, { node, at })
    return this.#lastFile
  }

  write(
    file: number,
    bytes: Uint8Array,
    offset: number,
    length = bytes.length - offset,
    position: number | null = null,
  ): number {
    const open = this.#at(file)
    const at = position ?? open.at
    this.#file(file).change(at, bytes.slice(offset, offset + length))
    if (position === null) open.at = at + length
    return length
  }

  read(file: number, bytes: Uint8Array, offset: number, length: number, position: number): number {
    const { cache } = this.#file(file)
    const to = Math.min(cache.length, position + length)
    if (to <= position) return 0
    bytes.set(cache.bytes.subarray(position, to), offset)
    return to - position
  }

  fsync(file: number): void {
    const { node } = this.#at(file)
    if (node.kind === 'folder') {
      for (const renaming of node.pending) applyNames(node.disk, renaming)
      node.pending = []
      return
    }
    for (const change of node.pending) if (!change.isDoubtful) node.disk.apply(change)
    node.pending = node.pending.filter(({ isDoubtful }) => isDoubtful)
  }

  ftruncate(file: number, bytes: number): void {
    this.#file(file).change(bytes, null)
  }

  close(file: number): void {
    if (!this.#open.delete(file)) fail('EBADF')
  }

  rename(from: string, to: string): void {
    const node = this.#find(from) ?? fail('ENOENT')
    const [source, target] = [this.#folderOf(from), this.#folderOf(to)]
    const [leaves, comes] = [
      [posix.basename(from), null],
      [posix.basename(to), node],
    ] as const
    if (source === target) source.change([leaves, comes])
    else {
      target.change([comes])
      source.change([leaves])
    }
  }

  link(from: string, to: string): void {
    const node = this.#find(from) ?? fail('ENOENT')
    if (this.#find(to) !== null) fail('EEXIST')
    this.#folderOf(to).change([[posix.basename(to), node]])
  }

  unlink(path: string): void {
    const node = this.#find(path) ?? fail('ENOENT')
    if (node.kind === 'folder') fail('EISDIR')
    this.#folderOf(path).change([[posix.basename(path), null]])
  }

  mkdir(path: string): void {
    if (this.#find(path) !== null) fail('EEXIST')
    this.#folderOf(path).change([[posix.basename(path), new FolderNode()]])
  }

  rmdir(path: string): void {
    const node = this.#find(path) ?? fail('ENOENT')
    if (node.kind === 'file') fail('ENOTDIR')
    else if (node.cache.size > 0) fail('ENOTEMPTY')
    this.#folderOf(path).change([[posix.basename(path), null]])
  }

  readdir(path: string): string[] {
    const node = this.#find(path) ?? fail('ENOENT')
    if (node.kind === 'file') return fail('ENOTDIR')
    return [...node.cache.keys()]
  }

  stat(path: string): FileStat | null {
    const node = this.#find(path)
    if (node === null) return null
    const bytes = node.kind === 'file' ? node.cache.length : 0
    return { kind: node.kind, bytes, changedMs: 0, touchedMs: 0 }
  }

  #at(file: number): { node: Node; at: number } {
    return this.#open.get(file) ?? fail('EBADF')
  }

  #file(file: number): FileNode {
    const { node } = this.#at(file)
    return node.kind === 'file' ? node : fail('EISDIR')
  }

  #find(path: string): Node | null {
    let node: Node = this.#root
    for (const part of path.split('/').filter((text) => text !== '')) {
      if (node.kind === 'file') return fail('ENOTDIR')
      const next = node.cache.get(part)
      if (next === undefined) return null
      node = next
    }
    return node
  }

  #folderOf(path: string): FolderNode {
    const node = this.#find(posix.dirname(path)) ?? fail('ENOENT')
    return node.kind === 'folder' ? node : fail('ENOTDIR')
  }
}

/** A write comes to the disk by sectors, each or not; a cut as a whole. */
const settleFile = (node: FileNode, survives: Survives): void => {
  for (const change of node.pending) {
    if (change.bytes === null) {
      if (survives()) node.disk.apply(change)
      continue
    }
    const end = change.at + change.bytes.length
    for (let from = change.at; from < end; ) {
      const to = Math.min(end, from - (from % SECTOR_BYTES) + SECTOR_BYTES)
      const bytes = change.bytes.subarray(from - change.at, to - change.at)
      if (survives()) node.disk.apply({ at: from, bytes })
      from = to
    }
  }
  node.pending = []
  node.cache = new Content()
  node.cache.apply({ at: 0, bytes: node.disk.bytes.slice(0, node.disk.length) })
}
