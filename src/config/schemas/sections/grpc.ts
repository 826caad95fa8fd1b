/** `grpc`: what the gRPC port asks of its clients, and how long their connections may live. */

import { z } from 'zod'
import { path } from '../path.ts'
import { count, setting } from '../setting.ts'

/** A week: more is for ever, and Node's timers end at 24 days. */
const SECONDS_MAX = 604_800

const seconds = (min: number) => z.number().min(min).max(SECONDS_MAX)

export const grpc = z.strictObject({
  client_ca_file: setting(
    path.nullable().default(null),
    'Certificates in PEM. With it every client of the gRPC port must show a certificate that leads to one of them, or its connection is refused (mTLS); the HTTP port asks for none. Wants `tls.cert_file`. Looked at again as that is: new certificates hold for new connections, and a bad file changes nothing. From or to null needs a restart. Relative to this file.',
    'reload',
  ),
  streams_max: setting(
    count(1, 10_000).default(100),
    'Calls under way on one connection, as the server tells its clients; those beyond it wait in the client, or are refused. Raise it for clients that send many at once over one connection; lower it to bound what one of them can make the server hold.',
  ),
  connection_idle_seconds: setting(
    seconds(0.1).default(300),
    'How long a connection may be without a call before it is told to close. Raise it for clients that seldom ask and mind the time to connect; lower it to hold fewer.',
  ),
  connection_age_seconds: setting(
    seconds(0.1).default(1800),
    'Age at which a connection is told to close, a tenth more or less, so that not all come again at once: their clients then meet other threads and replicas. Lower it to spread load sooner; raise it where connecting is dear.',
  ),
  connection_grace_seconds: setting(
    seconds(0).default(30),
    'How long the calls under way on a connection that was told to close for its age may still take. Raise it for long streams; lower it to be rid of them.',
  ),
  keepalive_seconds: setting(
    seconds(1).default(30),
    'Silence of a client after which it is asked whether it is still there (HTTP/2 PING). Lower it to find dead peers sooner, and where a proxy forgets idle connections; raise it for less traffic.',
  ),
  keepalive_timeout_seconds: setting(
    seconds(0.1).default(10),
    'How long it may take to answer that; then its connection is closed. Raise it for bad networks; lower it to find dead peers sooner.',
  ),
})
