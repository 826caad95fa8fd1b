/** The ports that all replicas share: one for HTTP, one for gRPC. */

import { GatewayError } from '../../shared/errors.ts'
import { choosePort } from './port-guard.ts'
import type { ReplicaFile, ReplicaPlace } from './replica-files.ts'

export type ReplicaPorts = Pick<ReplicaPlace, 'httpPort' | 'grpcPort'>

type Living = readonly Pick<ReplicaFile, 'host' | 'httpPort' | 'grpcPort' | 'identity'>[]

type PortName = keyof ReplicaPorts

const FREE: Readonly<Record<PortName, string>> = {
  httpPort: '--http-port 0',
  grpcPort: '--grpc-port 0',
}

const listeners = (living: Living, name: PortName) =>
  living.map((replica) => ({
    ...{ host: replica.host, port: replica[name] },
    pid: replica.identity?.pid ?? null,
  }))

/** A port that changes hands would be both for as long as old replicas run beside new ones. */
const refuseSwap = (living: Living, port: number, other: PortName): void => {
  if (!living.some((replica) => replica[other] === port)) return
  const what = other === 'httpPort' ? 'HTTP' : 'gRPC'
  const detail = `Port ${port} is that of ${what} of replicas of this gateway that still run; stop them, or choose another port`
  throw new GatewayError('PORT_IN_USE', detail)
}

/**
 * Chooses both, as `choosePort` does: those of living replicas if they will do, else ones that
 * nobody owns.
 *
 * @param wanted as configured: 0 takes a free one, null of `grpcPort` none
 * @throws (rejects) GatewayError as `choosePort`; PORT_IN_USE also where living replicas serve the
 *   other protocol on a port
 */
export const choosePorts = async (
  { host, httpPort, grpcPort }: ReplicaPlace,
  living: Living = [],
): Promise<ReplicaPorts> => {
  const choose = async (port: number, name: PortName, other: PortName, taken: number | null) => {
    const place = { host, port, freePort: FREE[name] }
    const apart = [taken, ...living.map((replica) => replica[other])]
    const chosen = await choosePort(
      place,
      listeners(living, name),
      apart.filter((each) => each !== null),
    )
    refuseSwap(living, chosen, other)
    return chosen
  }
  const http = await choose(httpPort, 'httpPort', 'grpcPort', grpcPort)
  const grpc = grpcPort === null ? null : await choose(grpcPort, 'grpcPort', 'httpPort', http)
  return { httpPort: http, grpcPort: grpc }
}
