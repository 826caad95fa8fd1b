/**
 * Run by npm after an install. Where the system's glibc is older than the one that the binary of
 * uWebSockets.js was linked with, makes a copy that asks for less, which the server then prefers.
 * Only for binaries whose digest is listed here. Never fails an install: it says in one line what
 * it did, or that the server will fall back to node:http. See docs/decisions/0002.
 */

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type GlibcNeed, lowerGlibcNeed } from './elf-glibc.ts'

const PACKAGE = '@btc-vision/uwebsockets.js'
/** What the package is linked with. */
const GLIBC_OF_PACKAGE = '2.38'

interface KnownBinary {
  /** SHA-256 of the copy that comes out. */
  readonly preparedSha256: string
  readonly need: GlibcNeed
}

const need = (...names: string[]): GlibcNeed => ({
  newVersion: `GLIBC_${GLIBC_OF_PACKAGE}`,
  prefix: '__isoc23_',
  symbols: names.map((name) => `__isoc23_${name}`),
})

/** By SHA-256 of the original: version 20.56.0 of the package, for Node 24. */
export const KNOWN_BINARIES: Readonly<Record<string, KnownBinary>> = {
  // uws_linux_x64_137.node
  '9aa8b857ac4ab0bfb1245e948eeeacc904b13a3608c9a281d551c43c66bea66e': {
    preparedSha256: '05e20677374b677476e29b660a9577e32e1948a84b26350146873e73437ebd56',
    need: need('strtol', 'strtoul', 'sscanf'),
  },
  // uws_linux_arm64_137.node
  ad0ffb42a119ee022ba1fc752d942e5a19b863ce47bfdc909cd1d5bc1363a7a6: {
    preparedSha256: 'a83bf3e7969563fe9d30d5a8147f048b20719abedb8cc4b5934cb95eb0b0f5bb',
    need: need('strtol', 'strtoul'),
  },
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Version of the running glibc, '' on systems without. */
const runningGlibc = (): string => {
  const { header } = process.report.getReport() as unknown as {
    header: { glibcVersionRuntime?: string }
  }
  return header.glibcVersionRuntime ?? ''
}

const isOlder = (version: string, than: string): boolean =>
  version.localeCompare(than, 'en', { numeric: true }) < 0

/** Makes the copy and proves that it loads, before it gets its name. */
const writeCopy = (original: string, copy: string): void => {
  const bytes = readFileSync(original)
  const known = KNOWN_BINARIES[sha256(bytes)]
  if (known === undefined) throw new Error('the package holds a binary that is not known')
  const prepared = lowerGlibcNeed(bytes, known.need)
  if (sha256(prepared) !== known.preparedSha256) throw new Error('the copy has a wrong digest')
  mkdirSync(dirname(copy), { recursive: true })
  const temporary = `${copy}.${process.pid}`
  writeFileSync(temporary, prepared)
  try {
    process.dlopen({ exports: {} }, temporary)
    renameSync(temporary, copy)
  } finally {
    rmSync(temporary, { force: true })
  }
}

/**
 * @param packageFolder where the package lies, or a function that finds it
 * @param glibc version to prepare for, '' for a system without
 * @returns one line for the person who installs; never throws
 */
export const prepareUws = (packageFolder: string | (() => string), glibc: string): string => {
  try {
    const folder = typeof packageFolder === 'string' ? packageFolder : packageFolder()
    const name = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`
    const copy = join(folder, '../../.cache/sluice', name)
    rmSync(copy, { force: true }) // of an earlier version of the package
    if (glibc === '' || !isOlder(glibc, GLIBC_OF_PACKAGE)) {
      return 'uWebSockets.js: the binary is used as it is'
    }
    writeCopy(join(folder, name), copy)
    return `uWebSockets.js: made a copy of the binary that runs on glibc ${glibc}`
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message.split('\n', 1)[0] : String(thrown)
    return `uWebSockets.js: the server will use node:http, which is slower: ${reason}`
  }
}

if (import.meta.main) {
  const findPackage = () => dirname(createRequire(import.meta.url).resolve(PACKAGE))
  console.log(prepareUws(findPackage, runningGlibc()))
}
