import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** hadolint reads a Dockerfile from stdin and exits with 1 when it complains. */
const lint = (dockerfile: string) =>
  spawnSync('hadolint', ['--no-color', '-'], { input: dockerfile, encoding: 'utf8' })

test.each(['Dockerfile', 'deploy/Dockerfile.cuda'])('%s is clean by hadolint', (file) => {
  const { status, stdout, stderr } = lint(readFileSync(join(ROOT, file), 'utf8'))
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
})

test('hadolint complains about an unpinned base image and a relative WORKDIR', () => {
  const { status, stdout } = lint('FROM node\nWORKDIR app\n')
  expect(status).toBe(1)
  expect(stdout).toContain('DL3006')
  expect(stdout).toContain('DL3000')
})
