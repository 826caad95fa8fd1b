/** Folders of files for tests, written down as data. */

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { makeTempDir } from './temp-dir.ts'

/** Text and bytes are files, null is an empty folder, `{link}` a symbolic link; others are JSON. */
export type Entry = string | Uint8Array | null | { readonly link: string } | object

/** Writes files by their path and returns the folder that holds them. */
export const makeTree = (entries: Readonly<Record<string, Entry>>, root?: string): string => {
  const folder = root ?? makeTempDir('tree')
  for (const [path, entry] of Object.entries(entries)) {
    const file = join(folder, path)
    if (entry === null) {
      mkdirSync(file, { recursive: true })
      continue
    }
    mkdirSync(dirname(file), { recursive: true })
    if (typeof entry === 'string' || entry instanceof Uint8Array) writeFileSync(file, entry)
    else if ('link' in entry) symlinkSync(String(entry.link), file)
    else writeFileSync(file, JSON.stringify(entry))
  }
  return folder
}
