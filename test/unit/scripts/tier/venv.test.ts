import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isVenv, makeVenv, pythonOf, venvName } from '../../../../scripts/tier/venv.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'
import { makeTree } from '../../../helpers/tree.ts'

/**
 * A PATH with a `python3` whose `-m venv FOLDER` puts an interpreter into FOLDER that notes its
 * arguments beside itself and then runs `body`.
 */
const pathWith = (body: string): string => {
  const folder = makeTempDir()
  const inner = `#!/bin/sh\\necho "$@" > "$(dirname "$0")/arguments"\\n${body}\\n`
  const script = `#!/bin/sh
    mkdir -p "$3/bin"
    printf '${inner}' > "$3/bin/python"
    chmod +x "$3/bin/python"`
  writeFileSync(join(folder, 'python3'), script, { mode: 0o755 })
  return `${folder}:/usr/bin:/bin`
}

const LOCK = 'a==1 --hash=sha256:00'

test('venvName() changes with the lock file, and with nothing else', () => {
  const tree = makeTree({ 'a.txt': LOCK, 'b.txt': LOCK, 'c.txt': `${LOCK}1` })
  const [a, b, c] = ['a.txt', 'b.txt', 'c.txt'].map((name) => venvName('x', join(tree, name)))
  expect(a).toMatch(/^x-[0-9a-f]{12}$/)
  expect(a).toBe(b)
  expect(a).not.toBe(c)
})

test('makeVenv() installs what the lock file names, by its hashes, and compiles nothing', () => {
  const root = makeTree({ lock: LOCK })
  const folder = join(root, 'tool')
  expect(isVenv(folder)).toBe(false)
  makeVenv(folder, join(root, 'lock'), { PATH: pathWith('exit 0') })
  expect(isVenv(folder)).toBe(true)
  expect(existsSync(pythonOf(folder))).toBe(true)
  expect(readdirSync(root).sort()).toEqual(['lock', 'tool'])
})

test('makeVenv() leaves nothing behind when the installation fails', () => {
  const root = makeTree({ lock: LOCK })
  const folder = join(root, 'tool')
  const failing = { PATH: pathWith('echo "ERROR: no network" >&2; exit 1') }
  expect(() => makeVenv(folder, join(root, 'lock'), failing)).toThrow('ERROR: no network')
  expect(isVenv(folder)).toBe(false)
  expect(readdirSync(root)).toEqual(['lock'])
})

test('makeVenv() says so where there is no Python', () => {
  const root = makeTree({ lock: LOCK })
  expect(() => makeVenv(join(root, 'tool'), join(root, 'lock'), { PATH: root })).toThrow('python3')
})

test('makeVenv() replaces an environment whose Python has gone, and keeps a whole one', () => {
  const root = makeTree({ lock: LOCK, 'tool/bin/pip': '' })
  const folder = join(root, 'tool')
  makeVenv(folder, join(root, 'lock'), { PATH: pathWith('exit 0') })
  expect(isVenv(folder)).toBe(true)
  expect(readdirSync(join(folder, 'bin')).sort()).toEqual(['arguments', 'python'])
  writeFileSync(join(folder, 'mark'), '')
  makeVenv(folder, join(root, 'lock'), { PATH: pathWith('exit 0') })
  expect(existsSync(join(folder, 'mark'))).toBe(true)
})
