/** What no single key of `sluice.yaml` shows: sound values that contradict each other. */

import { recordContradictions } from './record-contradictions.ts'
import { CONTROL_PORT } from './sections/control.ts'
import { GRPC_PORT } from './sections/server.ts'
import type { SluiceYaml } from './sluice.ts'

export interface Contradiction {
  readonly path: readonly string[]
  /** All keys that take part in it; where one has a fault of its own, nothing can be said. */
  readonly involves: readonly (readonly string[])[]
  readonly message: string
  readonly hint: string
}

const GRPC_PATH = ['server', 'grpc_port']
const CONTROL_PATH = ['control', 'port']

/** Keys that name a port of their own, in the order of the schema; 0 is no port yet. */
const portsOf = ({ server, control, metrics }: SluiceYaml) =>
  [
    { path: ['server', 'http_port'], host: server.host, port: server.http_port },
    { path: GRPC_PATH, host: server.host, port: server.grpc_port ?? 0 },
    { path: CONTROL_PATH, host: control.host, port: control.port },
    { path: ['metrics', 'listen'], host: metrics.listen?.host, port: metrics.listen?.port ?? 0 },
  ].filter(({ port }) => port !== 0)

/** Hosts that stand for several addresses. */
const MANIFOLD: readonly (string | undefined)[] = ['0.0.0.0', '::', 'localhost']

type Place = ReturnType<typeof portsOf>[number]

const isDefault = ({ path, port }: Place): boolean =>
  (path === GRPC_PATH && port === GRPC_PORT) || (path === CONTROL_PATH && port === CONTROL_PORT)

const collide = (a: Place, b: Place): boolean =>
  a.port === b.port && (a.host === b.host || MANIFOLD.includes(a.host) || MANIFOLD.includes(b.host))

/** One place for two servers. A default is not to blame: who chose the other did not see it. */
const portContradictions = (yaml: SluiceYaml): Contradiction[] =>
  portsOf(yaml).flatMap((place, i, places) =>
    places
      .slice(0, i)
      .filter((other) => collide(place, other))
      .map((other): Contradiction => {
        const { path, port } = place
        const [blamed, owner] = isDefault(place) ? [other.path, path] : [path, other.path]
        return {
          path: blamed,
          involves: [other.path, path],
          message: `got ${port}, which is ${owner.join('.')}`,
          hint: 'choose another port',
        }
      }),
  )

const CERT_PATH = ['tls', 'cert_file']
const KEY_PATH = ['tls', 'key_file']

/** A certificate is of use with its key alone. */
const tlsContradictions = ({ tls }: SluiceYaml): Contradiction[] => {
  if ((tls.cert_file === null) === (tls.key_file === null)) return []
  const [absent, given] = tls.cert_file === null ? [CERT_PATH, KEY_PATH] : [KEY_PATH, CERT_PATH]
  const message = `is missing, and ${given.join('.')} is there`
  return [{ path: absent, involves: [CERT_PATH, KEY_PATH], message, hint: 'give both, or none' }]
}

const CLIENT_CA_PATH = ['grpc', 'client_ca_file']

/** Whoever asks for certificates of clients must not think that they are asked for elsewhere. */
const clientCaContradictions = ({ grpc, tls, server }: SluiceYaml): Contradiction[] => {
  if (grpc.client_ca_file === null) return []
  const lacks = (path: readonly string[], hint: string): Contradiction => {
    const message = `is there, and ${path.join('.')} is null`
    return { path: CLIENT_CA_PATH, involves: [CLIENT_CA_PATH, path], message, hint }
  }
  return [
    ...(tls.cert_file === null
      ? [lacks(CERT_PATH, 'clients show certificates over TLS only')]
      : []),
    ...(server.grpc_port === null ? [lacks(GRPC_PATH, 'the HTTP port asks for none')] : []),
  ]
}

/** All of them; each blames one key. */
export const contradictionsOf = (yaml: SluiceYaml): Contradiction[] => {
  const { limits } = yaml
  const found: Contradiction[] = []
  if (limits.body_bytes_in_flight_max < limits.body_bytes_max) {
    found.push({
      path: ['limits', 'body_bytes_in_flight_max'],
      involves: [
        ['limits', 'body_bytes_in_flight_max'],
        ['limits', 'body_bytes_max'],
      ],
      message: `got ${limits.body_bytes_in_flight_max}; wanted at least limits.body_bytes_max, ${limits.body_bytes_max}`,
      hint: 'one body of the largest size must fit',
    })
  }
  return [
    ...found,
    ...tlsContradictions(yaml),
    ...clientCaContradictions(yaml),
    ...portContradictions(yaml),
    ...recordContradictions(yaml),
  ]
}
