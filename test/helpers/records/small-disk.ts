/** A disk of its own for a test, which is full when it is told to be. */

import { execFileSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../../../src/records/spool/file-calls.ts'
import { atEnd } from '../clean-up.ts'
import { makeTempDir } from '../temp-dir.ts'

const mount = (folder: string, bytes: number): void => {
  const options = `size=${bytes},mode=700`
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'none', folder], { stdio: 'pipe' })
}

/** Whether this user may mount file systems, as root may where nothing forbids it. */
export const canMount = (): boolean => {
  try {
    const folder = makeTempDir('mount')
    mount(folder, 4096)
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  }
}

const BALLAST = 'ballast'

/** A tmpfs of `bytes`, a multiple of 4,096. */
export class SmallDisk {
  readonly folder: string

  /** Mounted on `folder`, which must be there; left out: on one of its own. */
  constructor(bytes: number, folder: string = makeTempDir('disk')) {
    this.folder = folder
    mount(folder, bytes)
    atEnd(() => {
      execFileSync('umount', ['--lazy', folder], { stdio: 'pipe' })
    })
  }

  get bytesFree(): number {
    const { bavail, bsize } = statfsSync(this.folder)
    return bavail * bsize
  }

  /** Puts a file there that leaves `bytes`, a multiple of 4,096, to others; or less. */
  fill(bytes = 0): void {
    try {
      writeFileSync(join(this.folder, BALLAST), new Uint8Array(this.bytesFree - bytes))
    } catch (error) {
      // Others write meanwhile: then it is full.
      if (errnoOf(error) !== 'ENOSPC') throw error
    }
  }

  /** Takes the file away. */
  empty(): void {
    rmSync(join(this.folder, BALLAST), { force: true })
  }
}
