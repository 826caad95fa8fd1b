/**
 * Files that a proving run writes into the state folder. What goes wrong with them is no fault of
 * the model: it is thrown as STATE_UNWRITABLE.
 */

import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'
import { GatewayError } from '../shared/errors.ts'

/** Runs `write`; what the system refuses becomes STATE_UNWRITABLE. */
export const ours = <T>(write: () => T): T => {
  try {
    return write()
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const detail = `The proving run cannot write into the state folder (${code ?? 'unknown'})`
    throw new GatewayError('STATE_UNWRITABLE', detail, { cause })
  }
}

/** Opens a file to read, hands its descriptor over, and closes it again. */
export const withFile = <T>(file: string, flags: string | number, use: (fd: number) => T): T => {
  const fd = openSync(file, flags)
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}

/** A file that must not be there yet. */
export class NewFile {
  readonly #fd: number

  constructor(path: string) {
    this.#fd = ours(() => openSync(path, 'wx', 0o600))
  }

  write(bytes: Uint8Array): void {
    ours(() => {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at)
    })
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/**
 * Moves a file to where it is kept, once it is on the disk: what refers to it must not outlive it
 * in a power failure.
 */
export const keepFile = (from: string, to: string): void =>
  ours(() => {
    withFile(from, 'r', fsyncSync)
    renameSync(from, to)
  })
