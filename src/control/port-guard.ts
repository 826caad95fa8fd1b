/**
 * Making sure that a port is ours before replicas share it.
 *
 * Data threads listen with SO_REUSEPORT, which would also let them share the port with a stranger
 * of the same user, each getting some of the connections. So control binds the port once without
 * reuse. Not while replicas of this gateway run: they are the owners then, and the caller skips the
 * guard.
 */

import { createServer } from 'node:net'
import { GatewayError } from '../shared/errors.ts'
import { findPortOwner } from './port-owner.ts'

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

const inUse = (host: string, port: number, flag: string): GatewayError => {
  const owner = findPortOwner(port)
  const by = owner === null ? 'another program' : `${owner.command} (pid ${owner.pid})`
  return new GatewayError(
    'PORT_IN_USE',
    `Port ${port} on ${host} is in use by ${by}; stop it, or choose another port with ${flag}: 0 takes a free one`,
  )
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'the system reserves that port; use one from 1024',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'no address is known for that name',
}

const asGatewayError = (error: unknown, host: string, port: number, flag: string): GatewayError => {
  const { code = 'unknown' } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') return inUse(host, port, flag)
  const reason = REASONS[code] ?? `the system says ${code}`
  return new GatewayError('CONFIG_INVALID', `Cannot listen on ${host} port ${port}: ${reason}`, {
    cause: error,
  })
}

/**
 * Resolves when nobody else listens on the port.
 *
 * @param flag of the command line that sets it, for the hint
 * @throws (rejects) GatewayError PORT_IN_USE naming the owner where the system tells;
 *   CONFIG_INVALID when the address cannot be listened on at all
 */
export const guardPort = async (
  host: string,
  port: number,
  flag = '--http-port',
): Promise<void> => {
  try {
    await bindOnce(host, port)
  } catch (error) {
    throw asGatewayError(error, host, port, flag)
  }
}

/**
 * A port that was free a moment ago: all data threads must share one, so control chooses it.
 *
 * @throws (rejects) GatewayError CONFIG_INVALID when the address cannot be listened on
 */
export const findFreePort = async (host: string): Promise<number> => {
  try {
    return await bindOnce(host, 0)
  } catch (error) {
    throw asGatewayError(error, host, 0, '--http-port')
  }
}
