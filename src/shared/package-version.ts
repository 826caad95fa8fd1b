/** Installed packages, by their descriptions: nothing of them is loaded. */

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of a package, found like Node finds it; null if absent. */
export const packageFolder = (name: string): string | null => {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (;;) {
    const found = join(folder, 'node_modules', name)
    if (existsSync(join(found, 'package.json'))) return found
    const parent = dirname(folder)
    if (parent === folder) return null
    folder = parent
  }
}

/** `version` of the package's package.json; 'unknown' if absent. */
export const packageVersion = (name: string): string => {
  const folder = packageFolder(name)
  if (folder === null) return 'unknown'
  const text = readFileSync(join(folder, 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
