/**
 * What the file system says of the files of a model without reading them: by it, a change is seen,
 * and a copy in progress. No write leaves size, inode and both times of a file as they are.
 */

import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseVersion } from '../shared/ids.ts'
import { isIgnored, SETTINGS_FILES, WARM_UP_FOLDER } from './names.ts'
import { unreadable } from './repository-file.ts'

export interface FileStamp {
  /** Equal for the same files, unchanged. */
  readonly text: string
  /**
   * When the youngest file last changed (its ctime, which nobody can set), in milliseconds since
   * the epoch. Folders do not count: moved into its place, a version is as old as its files.
   */
  readonly changedMs: number
}

export interface ModelStamp {
  /** Of config.pbtxt, model.yaml, aliases.json, data for warm-up, and the names in the folder. */
  readonly settings: FileStamp
  readonly versions: ReadonlyMap<number, FileStamp>
}

/** Of one version; more are nobody's, and must not hold up control. */
const FILES_MAX = 10_000

const entriesOf = (folder: string): Dirent[] => {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return [] // a file, or it may not be entered: the scan says so
  }
}

const stampOf = (path: string): FileStamp => {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
    if (stat === undefined) return { text: 'absent', changedMs: 0 }
    const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = stat
    if (stat.isDirectory()) return { text: 'folder', changedMs: 0 }
    return { text: [dev, ino, size, mtimeNs, ctimeNs].join(), changedMs: Number(ctimeMs) }
  } catch (thrown) {
    return { text: String((thrown as NodeJS.ErrnoException).code), changedMs: 0 }
  }
}

const combined = (stamps: readonly (readonly [string, FileStamp])[]): FileStamp => ({
  text: JSON.stringify(stamps.map(([name, { text }]) => [name, text])),
  changedMs: Math.max(0, ...stamps.map(([, { changedMs }]) => changedMs)),
})

/** Every file of a version, those included that copying programs write beside what they will be. */
export const stampVersion = (folder: string): FileStamp => {
  const stamps: (readonly [string, FileStamp])[] = []
  const walk = (at: string, prefix: string): void => {
    for (const entry of entriesOf(at)) {
      if (stamps.length >= FILES_MAX) return
      const path = join(at, entry.name)
      stamps.push([prefix + entry.name, stampOf(path)])
      if (entry.isDirectory()) walk(path, `${prefix}${entry.name}/`)
    }
  }
  walk(folder, '')
  return combined(stamps.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Does not throw: of a model that is not there, or may not be entered, it holds nothing. */
export const stampModel = (root: string, name: string): ModelStamp => {
  const folder = join(root, name)
  const names = entriesOf(folder)
    .map((entry) => entry.name)
    .filter((each) => !isIgnored(each))
    .sort()
  const versions = names.filter((each) => parseVersion(each) > 0)
  const settings = combined([
    ...SETTINGS_FILES.map((file) => [file, stampOf(join(folder, file))] as const),
    [WARM_UP_FOLDER, stampVersion(join(folder, WARM_UP_FOLDER))],
  ])
  return {
    settings: { ...settings, text: JSON.stringify([stampOf(folder).text, names, settings.text]) },
    versions: new Map(
      versions.map((each) => [parseVersion(each), stampVersion(join(folder, each))]),
    ),
  }
}

/**
 * Of every model of a repository, and of what else lies there.
 *
 * @throws GatewayError REPOSITORY_UNREADABLE when the folder itself cannot be read
 */
export const stampRepository = (root: string): Map<string, ModelStamp> => {
  try {
    const real = realpathSync(root)
    const names = readdirSync(real).filter((name) => !isIgnored(name))
    return new Map(names.sort().map((name) => [name, stampModel(real, name)]))
  } catch (thrown) {
    throw unreadable(thrown)
  }
}
