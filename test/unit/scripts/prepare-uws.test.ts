import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { prepareUws } from '../../../scripts/prepare-uws.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const BINARY = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`
const OWN_PACKAGE = 'node_modules/@btc-vision/uwebsockets.js'

/** A `node_modules` with the package, empty. */
const makePackage = () => {
  const modules = makeTempDir('uws')
  const folder = join(modules, '@btc-vision/uwebsockets.js')
  mkdirSync(folder, { recursive: true })
  return { folder, copy: join(modules, '.cache/sluice', BINARY) }
}

test('prepareUws() makes nothing where glibc is new enough or absent', () => {
  const { folder, copy } = makePackage()
  for (const glibc of ['2.38', '2.40', '3.0', '']) {
    expect(prepareUws(folder, glibc)).toContain('used as it is')
  }
  expect(existsSync(copy)).toBe(false)
})

test('prepareUws() removes the copy of an earlier version', () => {
  const { folder, copy } = makePackage()
  mkdirSync(join(copy, '..'), { recursive: true })
  writeFileSync(copy, 'old')
  prepareUws(folder, '2.38')
  expect(existsSync(copy)).toBe(false)
})

test('prepareUws() says that the server falls back, and why', () => {
  const { folder, copy } = makePackage()
  expect(prepareUws(folder, '2.36')).toMatch(/will use node:http.*no such file/)
  writeFileSync(join(folder, BINARY), 'not one of ours')
  expect(prepareUws(folder, '2.9')).toMatch(/will use node:http.*not known/)
  const missing = () => {
    throw new Error('Cannot find module\nRequire stack: ...')
  }
  expect(prepareUws(missing, '2.36')).toMatch(/: Cannot find module$/)
  expect(existsSync(copy)).toBe(false)
})

// Skipped: only Linux on x64 can load what is made here, and only from glibc 2.36 on.
test.runIf(process.platform === 'linux' && process.arch === 'x64')(
  'prepareUws() makes a copy that loads',
  () => {
    const { folder, copy } = makePackage()
    copyFileSync(join(OWN_PACKAGE, BINARY), join(folder, BINARY))
    expect(prepareUws(folder, '2.36')).toContain('made a copy')
    const module = { exports: {} }
    process.dlopen(module, copy)
    expect(module.exports).toHaveProperty('App')
  },
)
