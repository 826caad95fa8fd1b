/** A state folder of its own for one test. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openStateDir, type StateDir } from '../../src/control/state-dir.ts'

/** Kills whatever a run file names: replicas are detached and would outlive the test. */
const killReplicas = (runPath: string): void => {
  for (const name of readdirSync(runPath, { encoding: 'utf8' })) {
    const { identity } = JSON.parse(readFileSync(join(runPath, name), 'utf8')) as {
      identity: { pid: number } | null
    }
    try {
      if (identity !== null) process.kill(identity.pid, 'SIGKILL')
    } catch {
      // already gone
    }
  }
}

/** Path of a new folder; when the test ends, its replicas are killed and it is removed. */
export const stateFolder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'sluice-state-'))
  onTestFinished(() => {
    try {
      killReplicas(join(path, 'run'))
    } catch {
      // the test never opened it
    }
    rmSync(path, { recursive: true, force: true })
  })
  return path
}

/** An open state folder; closed and removed when the test ends. */
export const openTestState = (path = stateFolder()): StateDir => {
  const stateDir = openStateDir(path)
  onTestFinished(() => stateDir.close())
  return stateDir
}
