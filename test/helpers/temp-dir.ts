/** Folders for tests: short paths, because a Unix socket's must fit into 107 bytes. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd } from './clean-up.ts'

/** A new, empty folder that is deleted at the end. */
export const makeTempDir = (name = 'test'): string => {
  const folder = mkdtempSync(join(tmpdir(), `sluice-${name}-`))
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
