/** Self-signed certificates (RFC 5280), made without a tool that might not be there. */

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export interface CertificatePair {
  /** PEM. */
  readonly certificate: string
  readonly privateKey: string
}

export interface CertificateWish {
  /** Common name, by which a test tells one from another. */
  readonly name?: string
  readonly fromMs?: number
  readonly toMs?: number
}

const DAY_MS = 86_400_000

/** Tag, length, value. */
const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const value = Buffer.concat(parts)
  const { length } = value
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), value])
  const bytes = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...bytes]), value])
}

const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts)
const oid = (...bytes: number[]) => der(0x06, Buffer.from(bytes))
const integer = (value: Uint8Array) => der(0x02, value)
const bits = (value: Uint8Array) => der(0x03, Buffer.from([0]), value)

/** ecdsa-with-SHA256 */
const ALGORITHM = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))
const COMMON_NAME = oid(0x55, 0x04, 0x03)
const SUBJECT_ALTERNATIVES = oid(0x55, 0x1d, 0x11)
const BASIC_CONSTRAINTS = oid(0x55, 0x1d, 0x13)
const TRUE = der(0x01, Buffer.from([255]))

/** GeneralizedTime. */
const time = (ms: number) => {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return der(0x18, Buffer.from(digits))
}

const nameOf = (text: string) =>
  sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(text)))))

const extensions = () => {
  const addresses = [der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1]))]
  const own = sequence(SUBJECT_ALTERNATIVES, der(0x04, sequence(...addresses)))
  const authority = sequence(BASIC_CONSTRAINTS, TRUE, der(0x04, sequence(TRUE)))
  return der(0xa3, sequence(own, authority))
}

const pem = (label: string, bytes: Uint8Array) => {
  const lines = Buffer.from(bytes).toString('base64').replaceAll(/.{64}/g, '$&\n').trim()
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}

const signed = (privateKey: KeyObject, publicKey: KeyObject, wish: Required<CertificateWish>) => {
  const name = nameOf(wish.name)
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.from([0x40, ...randomBytes(8)])),
    ALGORITHM,
    name,
    sequence(time(wish.fromMs), time(wish.toMs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions(),
  )
  return sequence(body, ALGORITHM, bits(sign('sha256', body, privateKey)))
}

/** A pair for `localhost` and 127.0.0.1 that is valid from yesterday on, for 90 days. */
export const makeCertificate = (wish: CertificateWish = {}): CertificatePair => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const nowMs = Date.now()
  const all = { name: 'test', fromMs: nowMs - DAY_MS, toMs: nowMs + 90 * DAY_MS, ...wish }
  return {
    certificate: pem('CERTIFICATE', signed(privateKey, publicKey, all)),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}
