/** Which code ran on which machine: the head of every result. */

import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'
import { REPOSITORY_ROOT } from './processes.ts'

const git = (...words: readonly string[]): string => {
  try {
    return execFileSync('git', words, { cwd: REPOSITORY_ROOT, encoding: 'utf8' }).trim()
  } catch {
    return '' // an unpacked archive has no history
  }
}

export const describeMachine = () => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  kernel: release(),
})

/** Commit of the checkout; `+` behind it when tracked files differ from it. */
export const describeCommit = (): string => {
  const commit = git('rev-parse', '--short=12', 'HEAD')
  if (commit === '') return 'unknown'
  const isChanged =
    git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'bench') !== ''
  return isChanged ? `${commit}+` : commit
}
