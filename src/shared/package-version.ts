/** Versions of installed packages, read from their descriptions: nothing of them is loaded. */

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `version` of the package's package.json, found like Node finds it; 'unknown' if absent. */
export const packageVersion = (name: string): string => {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (;;) {
    try {
      const text = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')
      return (JSON.parse(text) as { version: string }).version
    } catch {
      const parent = dirname(folder)
      if (parent === folder) return 'unknown'
      folder = parent
    }
  }
}
