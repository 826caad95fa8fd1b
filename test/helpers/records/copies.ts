/** Copies of folders of records, as of a backup: files in them are replaced, and never change. */

import { join } from 'node:path'
import { ensureRoot } from '../../../src/records/files/unfinished.ts'
import type { CrashFiles } from '../crash-files.ts'

/** What is there already stays as it is. */
export const copyFolder = (files: CrashFiles, from: string, to: string): void => {
  ensureRoot(files, to)
  for (const name of files.readdir(from)) {
    const [path, copy] = [join(from, name), join(to, name)]
    if (files.stat(path)?.kind === 'folder') copyFolder(files, path, copy)
    else if (files.stat(copy) === null) files.link(path, copy)
  }
}
