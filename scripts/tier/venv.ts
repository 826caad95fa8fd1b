/** Python environments for programs of others, made from lock files with hashes. */

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** The largest took 60 s on an idle machine of two cores. */
const INSTALL_MS_MAX = 300_000

/** A network that swallows packets must not eat the time of the tier. */
const NETWORK = ['--timeout', '15', '--retries', '2']

/** Name of the environment of a lock file: a changed lock has another. */
export const venvName = (name: string, lock: string): string => {
  const digest = createHash('sha256').update(readFileSync(lock)).digest('hex')
  return `${name}-${digest.slice(0, 12)}`
}

/** The interpreter of an environment. */
export const pythonOf = (folder: string): string => join(folder, 'bin', 'python')

/** Whether it was made whole, and the Python it was made with is still there. */
export const isVenv = (folder: string): boolean => existsSync(pythonOf(folder))

/** Runs a program to its end, and throws what it said where it fails. */
export const quietly = (
  program: string,
  args: readonly string[],
  env: Environment,
  timeout = INSTALL_MS_MAX,
): void => {
  execFileSync(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'], timeout })
}

/**
 * Makes `folder` from a lock file, and throws what went wrong. It appears whole or not at all, also
 * where two make it at once: so what it installs is run as `python -m`, not by its scripts, which
 * name the place they were made in. Nothing is compiled: a missing wheel is an error at once.
 */
export const makeVenv = (folder: string, lock: string, environment: Environment): void => {
  const part = `${folder}.${process.pid}`
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input']
  try {
    rmSync(part, { recursive: true, force: true })
    quietly('python3', ['-m', 'venv', part], environment)
    const exact = ['--require-hashes', '--only-binary', ':all:', '-r', lock]
    quietly(pythonOf(part), [...pip, ...NETWORK, ...exact], environment)
    if (isVenv(folder)) return
    rmSync(folder, { recursive: true, force: true })
    renameSync(part, folder)
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
}
