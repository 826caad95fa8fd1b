/** `sluice key new`: a key for a client, and what the config knows of it. */

import { createHash, randomBytes } from 'node:crypto'
import { EXIT, print, printJson } from './output.ts'

export interface NewKeyOptions {
  readonly json?: boolean
}

/** 256 random bits: as many as its hash has, so that nobody finds it by trying. */
const KEY_BYTES = 32

/** Prints both once: the key is kept nowhere. */
export const newKey = ({ json = false }: NewKeyOptions): number => {
  const key = `sluice_${randomBytes(KEY_BYTES).toString('base64url')}`
  const sha256 = createHash('sha256').update(key).digest('hex')
  if (json) printJson({ key, sha256 })
  else {
    print(`key     ${key}`)
    print(`sha256  ${sha256}`)
  }
  return EXIT.OK
}
