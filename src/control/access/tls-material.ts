/** Whether a certificate and its key are fit to be served with. A pure look at their text. */

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { TlsMaterial } from '../../shared/access-plan.ts'

/** What can be said of a sound pair. */
export interface TlsFacts {
  /** Wall clock, milliseconds since 1970. */
  readonly expiresMs: number
}

const attempt = <T>(make: () => T): T | null => {
  try {
    return make()
  } catch {
    return null // what OpenSSL says names no file and helps nobody
  }
}

/**
 * Facts of a sound pair, or a sentence that says what is wrong. No text of the files is in it.
 * `mayBeOver`: better one that has expired than none.
 */
export const judgeTls = (
  { certificate, privateKey }: TlsMaterial,
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
  return { expiresMs }
}
