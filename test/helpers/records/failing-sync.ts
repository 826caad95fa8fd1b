/** Has `fsync` of segments fail in real processes: by a library that is loaded before libc. */

import { execFileSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeTempDir } from '../temp-dir.ts'

const SOURCE = fileURLToPath(new URL('../../fixtures/preload/failing-sync.c', import.meta.url))

/** Whether there is a C compiler, and a loader that knows LD_PRELOAD. */
export const canFailSyncs = (): boolean => {
  try {
    execFileSync('cc', ['--version'], { stdio: 'pipe' })
    return process.platform === 'linux'
  } catch {
    return false
  }
}

export class FailingSync {
  readonly #order: string
  /** Environment of the processes in which it is to fail. */
  readonly env: Readonly<Record<string, string>>

  constructor() {
    const folder = makeTempDir('sync')
    const library = join(folder, 'failing-sync.so')
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE, '-ldl'])
    this.#order = join(folder, 'order')
    this.env = { LD_PRELOAD: library, FAIL_SYNC: this.#order }
  }

  /** The next one fails. */
  failOnce(): void {
    writeFileSync(this.#order, 'once')
  }

  /** All fail until `stop`. */
  failAlways(): void {
    writeFileSync(this.#order, 'always')
  }

  /** Whether some will fail. */
  get isArmed(): boolean {
    return existsSync(this.#order)
  }

  stop(): void {
    rmSync(this.#order, { force: true })
  }
}
