/** What no single key of `sluice.yaml` shows: sound values that contradict each other. */

import { CONTROL_PORT } from './sections/control.ts'
import type { SluiceYaml } from './sluice.ts'

export interface Contradiction {
  readonly path: readonly string[]
  /** All keys that take part in it; where one has a fault of its own, nothing can be said. */
  readonly involves: readonly (readonly string[])[]
  readonly message: string
  readonly hint: string
}

const CONTROL_PATH = ['control', 'port']

/** Keys that name a port of their own, in the order of the schema; 0 is no port yet. */
const portsOf = ({ server, control, metrics }: SluiceYaml) =>
  [
    { path: ['server', 'http_port'], host: server.host, port: server.http_port },
    { path: CONTROL_PATH, host: control.host, port: control.port },
    { path: ['metrics', 'listen'], host: metrics.listen?.host, port: metrics.listen?.port ?? 0 },
  ].filter(({ port }) => port !== 0)

/** Hosts that stand for several addresses. */
const MANIFOLD: readonly (string | undefined)[] = ['0.0.0.0', '::', 'localhost']

type Place = ReturnType<typeof portsOf>[number]

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
        const isDefault = path === CONTROL_PATH && port === CONTROL_PORT
        const [blamed, owner] = isDefault ? [other.path, path] : [path, other.path]
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
  return [...found, ...tlsContradictions(yaml), ...portContradictions(yaml)]
}
