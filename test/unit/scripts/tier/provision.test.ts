import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { provision } from '../../../../scripts/tier/provision.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'
import { makeTree } from '../../../helpers/tree.ts'

/** A PATH with nothing but an `apt-get` that runs `body`, and a `sudo` that lets everybody. */
const pathWith = (body: (folder: string) => string): string => {
  const folder = makeTempDir()
  const scripts = { 'apt-get': body(folder), sudo: 'shift\nexec "$@"' }
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }
  return folder
}

const install = (folder: string) => `case "$*" in *prometheus*) : > ${folder}/promtool;; esac`

test('provision() finds a tool that is on PATH', () => {
  const folder = makeTree({ promtool: '' })
  expect(provision('promtool', { PATH: folder })).toBeNull()
})

test('provision() says how to get a tool, and changes no system where CI is not set', () => {
  for (const CI of [undefined, '', '0', 'false']) {
    const folder = pathWith(install)
    const reason = provision('promtool', { PATH: folder, CI })
    expect(reason).toContain('promtool is missing; install prometheus')
    expect(existsSync(join(folder, 'promtool'))).toBe(false)
  }
})

test('provision() installs a tool where CI is set', () => {
  const folder = pathWith(install)
  expect(provision('promtool', { PATH: folder, CI: 'true' })).toBeNull()
  expect(existsSync(join(folder, 'promtool'))).toBe(true)
})

test('provision() says why a tool could not be installed', () => {
  const failing = pathWith(() => 'echo "E: no network" >&2; exit 100')
  const reason = provision('promtool', { PATH: failing, CI: 'true' })
  expect(reason).toContain('promtool is missing and cannot be installed (E: no network)')
  // As pip says it, and after it that there is no such package.
  const retries = 'WARNING: Retrying after connection broken by NewConnectionError'
  const lonely = pathWith(
    () => `echo "${retries}" >&2
    echo "ERROR: No matching distribution found for prometheus" >&2; exit 1`,
  )
  expect(provision('promtool', { PATH: lonely, CI: 'true' })).toContain(
    'promtool is missing and cannot be installed (no package index answers)',
  )
  const idle = pathWith(() => 'exit 0')
  expect(provision('promtool', { PATH: idle, CI: 'true' })).toContain(
    'promtool is missing after its installation',
  )
})
