/**
 * Making sure that a port is ours before replicas share it.
 *
 * Data threads listen with SO_REUSEPORT, which would also let them share the port with a stranger
 * of the same user, each getting some of the connections. So control binds the port once without
 * reuse. Not where replicas of this gateway listen: they are the owners then.
 */

import { createServer } from 'node:net'
import { GatewayError } from '../../shared/errors.ts'
import { findPortOwners } from './port-owner.ts'

/** Binds, closes and gives the port that it was; rejects with the error of the system. */
const bindOnce = (host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address()
      const bound = typeof address === 'object' && address !== null ? address.port : port
      server.close(() => resolve(bound))
    })
  })

export interface Listening {
  readonly host: string
  readonly port: number
  /** What the command line takes for a free port, for the hint. */
  readonly freePort: string
}

/** Somebody else's sentence about a port; null when all who listen are ours. */
const inUse = (
  { host, port, freePort }: Listening,
  ownPids: readonly number[],
  cause: unknown,
): GatewayError | null => {
  const owners = findPortOwners(port)
  const [owner] = owners.filter(({ pid }) => !ownPids.includes(pid))
  if (owner === undefined && owners.length > 0) return null
  const by = owner === undefined ? 'another program' : `${owner.command} (pid ${owner.pid})`
  return new GatewayError(
    'PORT_IN_USE',
    `Port ${port} on ${host} is in use by ${by}; stop it, or choose another port: ${freePort} takes a free one`,
    { cause },
  )
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'the system reserves that port; use one from 1024',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'no address is known for that name',
  EAI_AGAIN: 'no name server answers for that name',
  EINVAL: 'that is no address to listen on',
}

/**
 * Why one cannot listen: PORT_IN_USE or CONFIG_INVALID; null when those who listen there are ours.
 *
 * @param error of the attempt to listen
 * @param ownPids processes that may listen there
 */
export const listenFailure = (
  error: unknown,
  place: Listening,
  ownPids: readonly number[] = [],
): GatewayError | null => {
  const { code = 'unknown' } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') return inUse(place, ownPids, error)
  const reason = REASONS[code] ?? `the system says ${code}`
  const detail = `Cannot listen on ${place.host} port ${place.port}: ${reason}`
  return new GatewayError('CONFIG_INVALID', detail, { cause: error })
}

/** A replica of this gateway that still runs, and the port in question where it was told to. */
export interface LivingListener {
  readonly host: string
  /** null: it has none. */
  readonly port: number | null
  /** Null when it is not known. */
  readonly pid: number | null
}

/** A free port that is none of those. */
const bindFree = async (host: string, taken: readonly number[]): Promise<number> => {
  const bound = await bindOnce(host, 0)
  return taken.includes(bound) ? bindFree(host, taken) : bound
}

/**
 * Resolves with the port that all replicas shall listen on, after making sure that no stranger
 * does. Port 0 means: that of living replicas on the same host, else one that was free a moment
 * ago and is none of `taken`. Where living replicas listen on that very place it is theirs, and
 * nothing is bound.
 *
 * @throws (rejects) GatewayError PORT_IN_USE naming the owner where the system tells;
 *   CONFIG_INVALID when the address cannot be listened on at all
 */
export const choosePort = async (
  { host, port, freePort }: Listening,
  living: readonly LivingListener[] = [],
  taken: readonly number[] = [],
): Promise<number> => {
  const own = living.flatMap((replica) => (replica.host === host ? (replica.port ?? []) : []))
  const wanted = port === 0 ? (own[0] ?? 0) : port
  if (own.includes(wanted)) return wanted
  try {
    return await (wanted === 0 ? bindFree(host, taken) : bindOnce(host, wanted))
  } catch (error) {
    const ownPids = living.flatMap(({ pid }) => pid ?? [])
    const failure = listenFailure(error, { host, port: wanted, freePort }, ownPids)
    if (failure === null) return wanted
    throw failure
  }
}
