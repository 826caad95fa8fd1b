/** Whether a certificate and its key are fit to be served with. A pure look at their text. */

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { TlsMaterial } from '../../shared/access-plan.ts'

/** What can be said of a sound pair. */
export interface TlsFacts {
  /** Wall clock, milliseconds since 1970. */
  readonly expiresMs: number
  /** When the last certificate that clients may be signed by ends; null: none is asked for. */
  readonly clientCaExpiresMs: number | null
}

const attempt = <T>(make: () => T): T | null => {
  try {
    return make()
  } catch {
    return null // what OpenSSL says names no file and helps nobody
  }
}

const BEGIN = '-----BEGIN CERTIFICATE-----'

/**
 * When the last of the certificates ends that clients may be signed by, or what is wrong with them.
 * OpenSSL would stop at the first that it cannot read, and say nothing.
 */
const judgeClientCa = (text: string, nowMs: number, mayBeOver: boolean): number | string => {
  const found = text.split(BEGIN).slice(1)
  const all = found.map((rest) => attempt(() => new X509Certificate(BEGIN + rest)))
  const sound = all.filter((each) => each !== null)
  if (sound.length === 0) return 'grpc.client_ca_file holds no certificate in PEM'
  if (sound.length < all.length) return 'grpc.client_ca_file holds a certificate that is damaged'
  const endMs = Math.max(...sound.map(({ validTo }) => Date.parse(validTo)))
  const fromMs = Math.min(...sound.map(({ validFrom }) => Date.parse(validFrom)))
  if (nowMs >= endMs && !mayBeOver) return 'all certificates of grpc.client_ca_file have expired'
  if (nowMs < fromMs) return 'no certificate of grpc.client_ca_file is valid yet'
  return endMs
}

/**
 * Facts of a sound pair, or a sentence that says what is wrong. No text of the files is in it.
 * `mayBeOver`: better one that has expired than none.
 */
export const judgeTls = (
  { certificate, privateKey, clientCa }: TlsMaterial,
  nowMs: number,
  mayBeOver = false,
): TlsFacts | string => {
  const leaf = attempt(() => new X509Certificate(certificate))
  if (leaf === null) return 'tls.cert_file holds no certificate in PEM'
  const key = attempt(() => createPrivateKey(privateKey))
  if (key === null) return 'tls.key_file holds no private key in PEM that is not encrypted'
  if (!leaf.checkPrivateKey(key)) return 'tls.key_file is not the key of the certificate'
  const [fromMs, expiresMs] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)]
  if (nowMs >= expiresMs && !mayBeOver) return `the certificate has expired on ${leaf.validTo}`
  if (nowMs < fromMs) return `the certificate is not valid before ${leaf.validFrom}`
  const context = attempt(() => createSecureContext({ cert: certificate, key: privateKey }))
  if (context === null) return 'tls.cert_file or tls.key_file cannot be used for TLS'
  const clientCaExpiresMs = clientCa === null ? null : judgeClientCa(clientCa, nowMs, mayBeOver)
  return typeof clientCaExpiresMs === 'string'
    ? clientCaExpiresMs
    : { expiresMs, clientCaExpiresMs }
}
