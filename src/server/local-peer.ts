/**
 * Whether a request was sent by a program on this machine: what may load and unload models as long
 * as nobody can be told apart by a token. A proxy on this machine that adds none of these headers
 * (nginx, as it is installed) cannot be told from such a program: it must not pass on
 * `/v2/repository`.
 */

import { BlockList, isIP } from 'node:net'
import { type Refusal, refuse } from '../shared/errors.ts'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Of an IP address as text, of IPv4 also as IPv6 shows it (`::ffff:127.0.0.1`). */
export const isLoopback = (address: string): boolean => {
  const family = isIP(address)
  return family !== 0 && LOOPBACK.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

/**
 * Of a header, its name in lower case: whether it shows that the request came through a proxy, or
 * from a page of a browser, which every site that somebody on this machine looks at can send.
 * Browsers send `origin` with every POST.
 */
export const tellsOfOthers = (name: string): boolean =>
  name === 'origin' ||
  name === 'sec-fetch-site' ||
  name === 'via' ||
  name === 'forwarded' ||
  name === 'x-real-ip' ||
  name.startsWith('x-forwarded')

/** Whether anybody asks where a request of this path comes from. Others are spared the look-up. */
export const isForLocals = (path: string): boolean => path.startsWith('/v2/repository/')

const NOT_LOCAL = refuse(
  'FORBIDDEN',
  'Models are loaded and unloaded by programs on the machine of this server only',
)

/** FORBIDDEN, unless a program on this machine asks. */
export const admitPeer = ({ isLocal }: { readonly isLocal: boolean }): Refusal | null =>
  isLocal ? null : NOT_LOCAL
