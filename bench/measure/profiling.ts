/** Having Node write CPU profiles of whole processes. */

import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY_ROOT } from './processes.ts'

const INTERVAL_US = 500

/** An empty folder for the profiles of a server's threads, below bench/.profiles. */
export const profileFolder = (server: string): string => {
  const folder = join(REPOSITORY_ROOT, 'bench/.profiles', server)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  return folder
}

/** With this, every thread of a process writes a profile when it ends in good order. */
export const profilingEnv = (folder: string): Record<string, string> => ({
  NODE_OPTIONS: `--cpu-prof --cpu-prof-interval=${INTERVAL_US} --cpu-prof-dir=${folder}`,
})
