/** Keeps what a soak has printed, with the commit and the machine it ran on. */

import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** Short name of the commit; of a copy that is no checkout nobody knows it. */
const commitOf = (root: string): string => {
  const args = ['-c', 'safe.directory=*', 'rev-parse', '--short', 'HEAD']
  const { status, stdout } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : 'unknown'
}

/**
 * Writes `bench/results/soak-<time>-<commit>.txt`: two runs of a day are two files.
 *
 * @returns its path, relative to `root`
 */
export const keepSoakOutput = (root: string, output: string, endedAt: Date): string => {
  const commit = commitOf(root)
  const time = endedAt.toISOString().replace(/\.\d+|[-:]/g, '') // 20250101T120000Z
  const path = join('bench/results', `soak-${time}-${commit}.txt`)
  mkdirSync(join(root, 'bench/results'), { recursive: true })
  const cpu = cpus()
  const head = `commit ${commit}, ${cpu.length} x ${cpu[0]?.model}, node ${process.version}\n`
  // The result is for everybody: where it ran is nobody's business.
  const told = output.replaceAll(resolve(root), '.').replaceAll(tmpdir(), '<temporary>')
  writeFileSync(join(root, path), head + told)
  return path
}
