/**
 * TLS on uWebSockets. It takes certificates as files only, and keeps the one that an app was made
 * with. So a new one is a new app, to which the first, which owns the port for ever, hands on what
 * it accepts: the port is never closed, and no connection that waits in it is lost.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TlsMaterial } from '../shared/access-plan.ts'
import { GatewayError } from '../shared/errors.ts'
import type { Uws, UwsApp } from './uws-binary.ts'

/**
 * TLS 1.2 is its oldest version, and no option raises that. A list of ciphers rules over 1.2 alone:
 * of these none can be agreed on without a key that both sides know before, which nobody has here.
 */
const NO_TLS_1_2 = 'PSK'

/**
 * An app with that certificate.
 *
 * @param folder where the files are for as long as it takes to read them: 2 ms, for nobody else
 * @throws GatewayError CONFIG_INVALID: BoringSSL does not take what OpenSSL takes
 */
export const createTlsApp = (uws: Uws, material: TlsMaterial, folder: string): UwsApp => {
  const own = mkdtempSync(join(folder, 'tls-'))
  try {
    const write = (name: string, text: string): string => {
      const file = join(own, name)
      writeFileSync(file, text, { mode: 0o600, encoding: 'latin1' })
      return file
    }
    return uws.SSLApp({
      cert_file_name: write('certificate.pem', material.certificate),
      key_file_name: write('key.pem', material.privateKey),
      ...(material.minVersion === 'TLSv1.3' ? { ssl_ciphers: NO_TLS_1_2 } : {}),
    })
  } catch {
    // Neither names what is wrong, and the one may name a folder.
    throw new GatewayError('CONFIG_INVALID', 'the HTTP engine does not take this certificate')
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}
