import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const DOCKERFILE = fileURLToPath(new URL('../../Dockerfile', import.meta.url))

/** hadolint reads a Dockerfile from stdin and exits with 1 when it complains. */
const lint = (dockerfile: string) =>
  spawnSync('hadolint', ['--no-color', '-'], { input: dockerfile, encoding: 'utf8' })

test('Dockerfile is clean by hadolint', () => {
  const { status, stdout, stderr } = lint(readFileSync(DOCKERFILE, 'utf8'))
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
})

test('hadolint complains about an unpinned base image and a relative WORKDIR', () => {
  const { status, stdout } = lint('FROM node\nWORKDIR app\n')
  expect(status).toBe(1)
  expect(stdout).toContain('DL3006')
  expect(stdout).toContain('DL3000')
})
