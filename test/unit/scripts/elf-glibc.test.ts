import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { elfHash, type GlibcNeed, lowerGlibcNeed } from '../../../scripts/elf-glibc.ts'
import { KNOWN_BINARIES } from '../../../scripts/prepare-uws.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

const NEED: GlibcNeed = {
  newVersion: 'GLIBC_2.38',
  prefix: '__isoc23_',
  symbols: ['__isoc23_strtol'],
}

const X86_64 = 62

interface FakeLibrary {
  machine?: number
  /** [library, versions]; indices count from 2, in this order. */
  needs?: readonly (readonly [string, readonly string[]])[]
  /** [name, version index] */
  symbols?: readonly (readonly [string, number])[]
}

const NEEDS = [['libc.so.6', ['GLIBC_2.2.5', 'GLIBC_2.38']]] as const
const SYMBOLS = [
  ['write', 2],
  ['__isoc23_strtol', 3],
] as const

/** The smallest ELF64 with the four sections in question. Layouts: System V gABI, LSB. */
const makeLibrary = ({
  machine = X86_64,
  needs = NEEDS,
  symbols = SYMBOLS,
}: FakeLibrary = {}): Uint8Array => {
  const strings = ['', ...symbols.map(([name]) => name)]
  for (const [library, versions] of needs) strings.push(library, ...versions)
  const table = Buffer.from(`${strings.join('\0')}\0`)
  const at = (text: string) => table.indexOf(`\0${text}\0`) + 1
  const symbolTable = Buffer.alloc((symbols.length + 1) * 24)
  const versionTable = Buffer.alloc((symbols.length + 1) * 2)
  for (const [i, [name, version]] of symbols.entries()) {
    symbolTable.writeUInt32LE(at(name), (i + 1) * 24)
    versionTable.writeUInt16LE(version, (i + 1) * 2)
  }
  let index = 2
  const needTables = needs.map(([library, versions], n) => {
    const file = Buffer.alloc(16)
    file.writeUInt16LE(1, 0)
    file.writeUInt16LE(versions.length, 2)
    file.writeUInt32LE(at(library), 4)
    file.writeUInt32LE(16, 8)
    file.writeUInt32LE(n === needs.length - 1 ? 0 : 16 + versions.length * 16, 12)
    const entries = versions.map((version, v) => {
      const entry = Buffer.alloc(16)
      entry.writeUInt32LE(elfHash(version), 0)
      entry.writeUInt16LE(index++, 6)
      entry.writeUInt32LE(at(version), 8)
      entry.writeUInt32LE(v === versions.length - 1 ? 0 : 16, 12)
      return entry
    })
    return Buffer.concat([file, ...entries])
  })
  return makeElf(machine, {
    '.dynsym': symbolTable,
    '.dynstr': table,
    '.gnu.version': versionTable,
    '.gnu.version_r': Buffer.concat(needTables),
  })
}

const makeElf = (machine: number, sections: Readonly<Record<string, Buffer>>): Uint8Array => {
  const names = Buffer.from(`\0${[...Object.keys(sections), '.shstrtab'].join('\0')}\0`)
  const all = Object.entries({ ...sections, '.shstrtab': names })
  const head = Buffer.alloc(64)
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(head)
  head.writeUInt16LE(machine, 18)
  head.writeBigUInt64LE(64n, 40)
  head.writeUInt16LE(all.length + 1, 60)
  head.writeUInt16LE(all.length, 62)
  let offset = 64 + (all.length + 1) * 64
  const headers = all.map(([name, content]) => {
    const header = Buffer.alloc(64)
    header.writeUInt32LE(names.indexOf(`\0${name}\0`) + 1, 0)
    header.writeUInt32LE(1, 4)
    header.writeBigUInt64LE(BigInt(offset), 24)
    header.writeBigUInt64LE(BigInt(content.length), 32)
    offset += content.length
    return header
  })
  return Buffer.concat([head, Buffer.alloc(64), ...headers, ...all.map(([, content]) => content)])
}

/** How many bytes differ. */
const difference = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((count, byte, i) => count + (byte === b[i] ? 0 : 1), 0)

// From `readelf -V` and the version definitions in glibc's own headers.
test('elfHash() is the hash of the System V ABI', () => {
  expect(elfHash('GLIBC_2.2.5')).toBe(0x09691a75)
  expect(elfHash('GLIBC_2.38')).toBe(0x069691b8)
  expect(elfHash('')).toBe(0)
})

test('lowerGlibcNeed() rewrites the need and the name and nothing else', () => {
  const library = makeLibrary()
  const before = library.slice()
  const lowered = lowerGlibcNeed(library, NEED)
  expect(library).toEqual(before)
  expect(lowered.length).toBe(library.length)
  // One symbol name, one version hash, one version name: each a 32-bit word.
  expect(difference(library, lowered)).toBeLessThanOrEqual(12)
  expect(() => lowerGlibcNeed(lowered, NEED)).toThrow('does not need GLIBC_2.38')
})

test('lowerGlibcNeed() takes the oldest version of the processor', () => {
  const needs = [['libc.so.6', ['GLIBC_2.38', 'GLIBC_2.17']]] as const
  const symbols = [['__isoc23_strtol', 2]] as const
  expect(() => lowerGlibcNeed(makeLibrary({ machine: 183, needs, symbols }), NEED)).not.toThrow()
  expect(() => lowerGlibcNeed(makeLibrary({ needs, symbols }), NEED)).toThrow(
    'does not need GLIBC_2.2.5',
  )
  expect(() => lowerGlibcNeed(makeLibrary({ machine: 243 }), NEED)).toThrow('another processor')
})

test.each<readonly [string, FakeLibrary, string]>([
  ['another symbol of the version', { symbols: [...SYMBOLS, ['fmod', 3]] }, 'fmod needs'],
  ['no such symbol', { symbols: [['write', 2]] }, 'does not need __isoc23_strtol'],
  ['no such version', { needs: [['libc.so.6', ['GLIBC_2.2.5']]] }, 'does not need GLIBC_2.38'],
  [
    'the version of two libraries',
    { needs: [...NEEDS, ['libm.so.6', ['GLIBC_2.38']]] },
    'of several libraries',
  ],
])('lowerGlibcNeed() leaves a library alone with %s', (_name, library, message) => {
  expect(() => lowerGlibcNeed(makeLibrary(library), NEED)).toThrow(message)
})

test('lowerGlibcNeed() ends with an Error, if at all, on any bytes', () => {
  const library = makeLibrary()
  const edits = fc.array(fc.tuple(fc.nat(library.length - 1), fc.nat(255)), { maxLength: 8 })
  fc.assert(
    fc.property(edits, fc.nat(library.length), (changes, length) => {
      const broken = library.slice(0, length)
      for (const [at, value] of changes) broken[at] = value
      try {
        expect(lowerGlibcNeed(broken, NEED)).toHaveLength(broken.length)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Error)
      }
    }),
    { numRuns: propertyRuns(1000) },
  )
})

test.each(['x64', 'arm64'])('lowerGlibcNeed() makes the listed copy for %s', (arch) => {
  const file = `node_modules/@btc-vision/uwebsockets.js/uws_linux_${arch}_137.node`
  expect(existsSync(file)).toBe(true)
  const original = readFileSync(file)
  const known = KNOWN_BINARIES[createHash('sha256').update(original).digest('hex')]!
  const copy = lowerGlibcNeed(original, known.need)
  expect(createHash('sha256').update(copy).digest('hex')).toBe(known.preparedSha256)
  expect(difference(original, copy)).toBeLessThan(40)
})
