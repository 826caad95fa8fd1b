/** `tls`: what the data plane proves itself with. */

import { z } from 'zod'
import { path } from '../path.ts'
import { setting } from '../setting.ts'

export const tls = z.strictObject({
  cert_file: setting(
    path.nullable().default(null),
    'Certificate of the data plane in PEM, followed by those that lead to its root. With it the HTTP port takes HTTPS alone, and that of gRPC TLS alone. The file is looked at every few seconds: a new certificate serves new connections, and a bad one changes nothing. From or to null needs a restart. Relative to this file.',
    'reload',
  ),
  key_file: setting(
    path.nullable().default(null),
    'Private key of `cert_file` in PEM, not encrypted.',
    'reload',
  ),
  min_version: setting(
    z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
    'Oldest version of TLS that clients may use. Raise it where all of them are known.',
    'reload',
  ),
})
