/**
 * Makes a copy of an ELF64 shared library that asks for an older glibc. Pure functions over bytes;
 * `prepare-uws.ts` says which file they may be applied to, and docs/decisions/0002 why.
 *
 * Compilers of glibc 2.38 and later turn `strtol`, `strtoul` and `sscanf` into `__isoc23_strtol`
 * and so on, which differ only in accepting `0b101`. A library that needs 2.38 for these names
 * alone runs on older systems once the names point at the plain functions:
 *
 *   .dynsym         name "__isoc23_strtol"  ->  the same string 9 bytes on, "strtol"
 *   .gnu.version_r  needs "GLIBC_2.38"      ->  the oldest version of the platform
 *
 * No byte is inserted or removed. Format: System V gABI chapter 4, and the symbol versioning
 * chapter of the LSB (Elfxx_Verneed, Elfxx_Vernaux).
 */

export interface GlibcNeed {
  /** Version that the library asks for and the system lacks: `GLIBC_2.38`. */
  readonly newVersion: string
  /** Start of the names that stand for a plain one: `__isoc23_`. */
  readonly prefix: string
  /** Exactly the names that depend on `newVersion`. */
  readonly symbols: readonly string[]
}

interface Section {
  readonly offset: number
  readonly size: number
}

interface Library {
  readonly view: DataView
  readonly bytes: Uint8Array
  readonly sections: ReadonlyMap<string, Section>
}

const EM_X86_64 = 62
const EM_AARCH64 = 183
/** The first version of glibc on each platform: everything plain is found there. */
const OLDEST_VERSION: Readonly<Record<number, string>> = {
  [EM_X86_64]: 'GLIBC_2.2.5',
  [EM_AARCH64]: 'GLIBC_2.17',
}

const SYMBOL_BYTES = 24
const SECTION_HEADER_BYTES = 64
/** The top bit of a version index hides the symbol; the rest is the index. */
const VERSION_INDEX_MASK = 0x7fff

/**
 * The copy with lower needs; the input stays as it is.
 *
 * @throws Error saying what is not as expected; then the library must be left alone
 */
export const lowerGlibcNeed = (library: Uint8Array, need: GlibcNeed): Uint8Array => {
  const copy = parse(library.slice())
  const oldest = OLDEST_VERSION[copy.view.getUint16(18, true)]
  if (oldest === undefined) throw new Error('the library is for another processor')
  const index = lowerVersion(copy, need.newVersion, oldest)
  const renamed = renameSymbols(copy, index, need)
  for (const name of need.symbols) {
    if (!renamed.has(name)) throw new Error(`the library does not need ${name}`)
  }
  return copy.bytes
}

/** The hash of System V ABI figure 5-13, by which version needs are compared. */
export const elfHash = (name: string): number => {
  let hash = 0
  for (const char of name) {
    hash = (hash << 4) + char.charCodeAt(0)
    hash = (hash ^ ((hash >>> 24) & 0xf0)) & 0x0fffffff
  }
  return hash
}

const parse = (bytes: Uint8Array): Library => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const isElf64Little = bytes.length >= 64 && view.getUint32(0) === 0x7f454c46 && bytes[4] === 2
  if (!isElf64Little || bytes[5] !== 1) throw new Error('the file is not a little-endian ELF64')
  const tableOffset = Number(view.getBigUint64(40, true))
  const count = view.getUint16(60, true)
  const namesIndex = view.getUint16(62, true)
  if (tableOffset + count * SECTION_HEADER_BYTES > bytes.length || namesIndex >= count) {
    throw new Error('the section table is outside the file')
  }
  const header = (index: number) => {
    const at = tableOffset + index * SECTION_HEADER_BYTES
    return {
      name: view.getUint32(at, true),
      type: view.getUint32(at + 4, true),
      offset: Number(view.getBigUint64(at + 24, true)),
      size: Number(view.getBigUint64(at + 32, true)),
    }
  }
  const names = header(namesIndex)
  const sections = new Map<string, Section>()
  for (let index = 0; index < count; index++) {
    const { name, type, offset, size } = header(index)
    const hasBytes = type !== SHT_NOBITS && type !== SHT_NULL
    if (hasBytes && offset + size > bytes.length) throw new Error('a section is outside the file')
    sections.set(stringAt(bytes, names, name), { offset, size })
  }
  return { view, bytes, sections }
}

const SHT_NULL = 0
const SHT_NOBITS = 8

const section = (library: Library, name: string): Section => {
  const found = library.sections.get(name)
  if (found === undefined) throw new Error(`the library has no section ${name}`)
  return found
}

/** The NUL-terminated string at `at` of a string table. */
const stringAt = (bytes: Uint8Array, table: Section, at: number): string => {
  if (at >= table.size) throw new Error('a name is outside its string table')
  const start = table.offset + at
  const end = bytes.indexOf(0, start)
  if (end < 0 || end >= table.offset + table.size) throw new Error('a name does not end')
  return String.fromCharCode(...bytes.subarray(start, end))
}

/** Rewrites the need for `from` into one for `to`; returns the index that symbols name it by. */
const lowerVersion = (library: Library, from: string, to: string): number => {
  const strings = section(library, '.dynstr')
  let found: { at: number; index: number } | null = null
  let toName = -1
  for (const need of versionNeeds(library)) {
    const version = stringAt(library.bytes, strings, need.name)
    if (version === to) toName = need.name
    if (version !== from) continue
    if (found !== null) throw new Error(`${from} is needed of several libraries`)
    found = need
  }
  if (found === null) throw new Error(`the library does not need ${from}`)
  if (toName < 0) throw new Error(`the library does not need ${to}`)
  library.view.setUint32(found.at, elfHash(to), true)
  library.view.setUint32(found.at + 8, toName, true)
  return found.index
}

/** Every Elf64_Vernaux: where it lies, its version index, the offset of its name. */
const versionNeeds = (library: Library): { at: number; index: number; name: number }[] => {
  const { view } = library
  const { offset, size } = section(library, '.gnu.version_r')
  const needs: { at: number; index: number; name: number }[] = []
  let file = offset
  for (;;) {
    let at = file + view.getUint32(file + 8, true)
    for (let left = view.getUint16(file + 2, true); left > 0; left--) {
      if (at + 16 > offset + size) throw new Error('a version need is outside its section')
      needs.push({ at, index: view.getUint16(at + 6, true), name: view.getUint32(at + 8, true) })
      at += view.getUint32(at + 12, true)
    }
    const next = view.getUint32(file + 12, true)
    if (next === 0) return needs
    file += next
    if (file + 16 > offset + size) throw new Error('a version need is outside its section')
  }
}

/** Points the symbols of version `index` at their plain names; returns the names they had. */
const renameSymbols = (library: Library, index: number, need: GlibcNeed): Set<string> => {
  const { view, bytes } = library
  const symbols = section(library, '.dynsym')
  const versions = section(library, '.gnu.version')
  const strings = section(library, '.dynstr')
  const renamed = new Set<string>()
  const count = symbols.size / SYMBOL_BYTES
  if (versions.size !== count * 2) throw new Error('symbols and their versions differ in number')
  for (let i = 0; i < count; i++) {
    if ((view.getUint16(versions.offset + i * 2, true) & VERSION_INDEX_MASK) !== index) continue
    const at = symbols.offset + i * SYMBOL_BYTES
    const name = stringAt(bytes, strings, view.getUint32(at, true))
    const isUndefined = view.getUint16(at + 6, true) === 0
    if (!need.symbols.includes(name) || !isUndefined) {
      throw new Error(`${name} needs ${need.newVersion} too`)
    }
    view.setUint32(at, view.getUint32(at, true) + need.prefix.length, true)
    renamed.add(name)
  }
  return renamed
}
