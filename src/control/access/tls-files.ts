/**
 * The certificate of the data plane on disk: looked at again and again, because whatever renews it
 * (certbot, cert-manager, a mounted secret) tells nobody. What is not sound changes nothing.
 */

import { readFileSync, statSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { TlsMaterial, TlsVersion } from '../../shared/access-plan.ts'
import { type Clock, every } from '../../shared/clock.ts'
import { whyUnreadable } from '../../shared/file-faults.ts'
import type { Logger } from '../../shared/logger.ts'
import { judgeTls, type TlsFacts } from './tls-material.ts'

/** Absolute paths. */
export interface TlsPlace {
  readonly certFile: string
  readonly keyFile: string
  readonly minVersion: TlsVersion
  /** null: clients of the gRPC port need no certificate. */
  readonly clientCaFile: string | null
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

interface InUse extends TlsFacts {
  readonly material: TlsMaterial
}

/** What is on disk now, or why it cannot be used. */
const readTls = (
  { certFile, keyFile, minVersion, clientCaFile }: TlsPlace,
  nowMs: number,
  mayBeOver: boolean,
): InUse | string => {
  const certificate = readText(certFile, 'tls.cert_file')
  if (typeof certificate === 'string') return certificate
  const privateKey = readText(keyFile, 'tls.key_file')
  if (typeof privateKey === 'string') return privateKey
  const ca = clientCaFile === null ? null : readText(clientCaFile, 'grpc.client_ca_file')
  if (typeof ca === 'string') return ca
  const material = {
    certificate: certificate.text,
    privateKey: privateKey.text,
    minVersion,
    clientCa: ca?.text ?? null,
  }
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

/** A sentence where it has ended, or will soon. */
const endingOf = (what: string, endMs: number | null, nowMs: number): string[] => {
  if (endMs === null || endMs - nowMs > WARNING_MS) return []
  return [
    `${what} ${endMs <= nowMs ? 'has expired' : 'expires'} on ${new Date(endMs).toISOString()}`,
  ]
}

export class TlsFiles {
  readonly #clock: Clock
  readonly #logger: Logger
  #place: TlsPlace
  #stamp = ''
  /** The last that was sound; null: there was none yet. */
  #inUse: InUse | null = null
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
    if (isDeepStrictEqual(read.material, before?.material)) return false
    this.#inUse = read
    const expires = new Date(read.expiresMs).toISOString()
    this.#logger.info({ event: 'certificate_renewed', expires }, 'a certificate is used')
    return true
  }

  /** Sentences for the operator. */
  warnings(): string[] {
    const nowMs = this.#clock.now()
    const clientCaExpiresMs = this.#inUse?.clientCaExpiresMs ?? null
    return [
      ...(this.#fault === null ? [] : [`${STAYS}: ${this.#fault}`]),
      ...endingOf('the certificate of the data plane', this.expiresMs, nowMs),
      ...endingOf('the last certificate of grpc.client_ca_file', clientCaExpiresMs, nowMs),
    ]
  }

  #readStamp(): string {
    const { certFile, keyFile, clientCaFile } = this.#place
    return [certFile, keyFile, clientCaFile ?? ''].map(stampOf).join(' | ')
  }
}
