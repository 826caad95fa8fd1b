/**
 * The certificate of the data plane on disk: looked at again and again, because whatever renews it
 * (certbot, cert-manager, a mounted secret) tells nobody. What is not sound changes nothing.
 */

import { readFileSync, statSync } from 'node:fs'
import type { TlsMaterial, TlsVersion } from '../../shared/access-plan.ts'
import { type Clock, every } from '../../shared/clock.ts'
import { whyUnreadable } from '../../shared/file-faults.ts'
import type { Logger } from '../../shared/logger.ts'
import { judgeTls } from './tls-material.ts'

/** Absolute paths. */
export interface TlsPlace {
  readonly certFile: string
  readonly keyFile: string
  readonly minVersion: TlsVersion
}

const STAYS = 'the certificate from before stays'
const LOOK_MS = 5000
const BYTES_MAX = 1024 * 1024
/** Certificates of 90 days are renewed 30 days before their end: then something has failed. */
const WARNING_MS = 14 * 86_400_000

/** Text of a file, or why there is none. Whatever a message names is a key of the config. */
const readText = (file: string, key: string): { text: string } | string => {
  try {
    const stat = statSync(file)
    // Reading a pipe or a device might never end.
    if (!stat.isFile()) return `${key} is not a file`
    if (stat.size > BYTES_MAX) return `${key} exceeds ${BYTES_MAX} bytes`
    return { text: readFileSync(file, 'latin1') }
  } catch (thrown) {
    return `${key} cannot be read: ${whyUnreadable(thrown)}`
  }
}

/** What is on disk now, or why it cannot be used. */
const readTls = (
  { certFile, keyFile, minVersion }: TlsPlace,
  nowMs: number,
  mayBeOver: boolean,
): { material: TlsMaterial; expiresMs: number } | string => {
  const certificate = readText(certFile, 'tls.cert_file')
  if (typeof certificate === 'string') return certificate
  const privateKey = readText(keyFile, 'tls.key_file')
  if (typeof privateKey === 'string') return privateKey
  const material = { certificate: certificate.text, privateKey: privateKey.text, minVersion }
  const facts = judgeTls(material, nowMs, mayBeOver)
  return typeof facts === 'string' ? facts : { material, ...facts }
}

/** Changes whenever a file does; '' where there is none. */
const stampOf = (file: string): string => {
  try {
    const { mtimeMs, ino, size } = statSync(file)
    return `${mtimeMs} ${ino} ${size}`
  } catch {
    return ''
  }
}

const isSame = (a: TlsMaterial, b: TlsMaterial): boolean =>
  a.certificate === b.certificate && a.privateKey === b.privateKey && a.minVersion === b.minVersion

export class TlsFiles {
  readonly #clock: Clock
  readonly #logger: Logger
  #place: TlsPlace
  #stamp = ''
  /** The last that was sound; null: there was none yet. */
  #inUse: { readonly material: TlsMaterial; readonly expiresMs: number } | null = null
  #fault: string | null = null

  /** Begins with what is there, even if it has expired. */
  constructor(place: TlsPlace, clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
    this.#place = place
    this.look()
  }

  /** Null as long as nothing sound was found. */
  get material(): TlsMaterial | null {
    return this.#inUse?.material ?? null
  }

  /** When what is in use ends: wall clock, milliseconds since 1970. */
  get expiresMs(): number | null {
    return this.#inUse?.expiresMs ?? null
  }

  /** Why what is on disk is not used; null: it is. */
  get fault(): string | null {
    return this.#fault
  }

  /** Calls back when there is something new and sound. Returns the end of it. */
  watch(onChange: () => void): () => void {
    return every(this.#clock, LOOK_MS, () => {
      if (this.#readStamp() !== this.#stamp && this.look()) onChange()
    })
  }

  /** Reads from another place from now on; whether what is there is new and sound. */
  move(place: TlsPlace): boolean {
    this.#place = place
    return this.look()
  }

  /** Reads again; whether there is something new and sound. */
  look(): boolean {
    // Before the files are read: what changes meanwhile is looked at again.
    this.#stamp = this.#readStamp()
    const before = this.#inUse
    const read = readTls(this.#place, this.#clock.now(), before === null)
    if (typeof read === 'string') {
      if (read !== this.#fault) {
        const event = { event: 'certificate_refused', reason: read }
        this.#logger.warn(event, STAYS)
      }
      this.#fault = read
      return false
    }
    this.#fault = null
    if (before !== null && isSame(read.material, before.material)) return false
    this.#inUse = read
    const expires = new Date(read.expiresMs).toISOString()
    this.#logger.info({ event: 'certificate_renewed', expires }, 'a certificate is used')
    return true
  }

  /** Sentences for the operator. */
  warnings(): string[] {
    const { expiresMs } = this
    const faults = this.#fault === null ? [] : [`${STAYS}: ${this.#fault}`]
    if (expiresMs === null) return faults
    const leftMs = expiresMs - this.#clock.now()
    if (leftMs > WARNING_MS) return faults
    const when = `${leftMs <= 0 ? 'has expired on' : 'expires on'} ${new Date(expiresMs).toISOString()}`
    return [...faults, `the certificate of the data plane ${when}`]
  }

  #readStamp(): string {
    const { certFile, keyFile } = this.#place
    return `${stampOf(certFile)} | ${stampOf(keyFile)}`
  }
}
