/**
 * The schema of sluice.yaml, flags and variables. `docs/reference/config.md` is generated from it:
 * every key says what it does, when to raise and lower it, and its meta says what a change costs.
 */

import { isIP, isIPv6 } from 'node:net'
import { z } from 'zod'
import type { ListenAddress } from '../config.ts'
import { shownValue } from '../schema-text.ts'
import { origins } from './origins.ts'

/** `reload`: SIGHUP applies it. `restart`: only a new start of control and replicas does. */
export type ChangeCost = 'reload' | 'restart'

declare module 'zod' {
  interface GlobalMeta {
    change?: ChangeCost
  }
}

const described = <T extends z.ZodType>(schema: T, text: string, change: ChangeCost = 'restart') =>
  schema.meta({ description: text, change })

const count = (min: number, max: number) => z.int().min(min).max(max)
const PORT_MAX = 65_535
const port = count(0, PORT_MAX)
const CONTROL_PORT = 8002
const MIB = 1024 * 1024
const GIB = 1024 * MIB

/** No path holds NUL, and a shell does not see a `~` that stands in a file. */
const path = z
  .string()
  .min(1)
  .refine((text) => !text.includes('\0'), 'holds NUL, which no path can')
  .refine((text) => !/^~(\/|$)/.test(text), 'begins with ~, which only a shell replaces')

const HOST_NAME = /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})$/

const isHost = (text: string): boolean => isIP(text) > 0 || HOST_NAME.test(text)

const host = z.string().min(1).refine(isHost, {
  error: 'is no IP address or host name (the port has a key of its own)',
})

/** Brackets keep the colons of an IPv6 address apart from that before the port. */
const HOST_AND_PORT = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/

/** `0.0.0.0:8003`, `[::1]:8003` -> host and port, or what is wrong. */
const readAddress = (text: string): ListenAddress | string => {
  const [, bracketed, plain = '', digits] = HOST_AND_PORT.exec(text) ?? []
  if (digits === undefined) return 'wanted host:port'
  if (Number(digits) > PORT_MAX) return `its port is not 0 to ${PORT_MAX}`
  const isKnown = bracketed === undefined ? isHost(plain) : isIPv6(bracketed)
  if (!isKnown) return 'its host is no IP address or host name'
  return { host: bracketed ?? plain, port: Number(digits) }
}

const address = z
  .string()
  .min(1)
  .transform((text, context): ListenAddress => {
    const read = readAddress(text)
    if (typeof read !== 'string') return read
    context.addIssue({ code: 'custom', message: `got ${shownValue(text)}; ${read}` })
    return z.NEVER
  })

/** A count, or `auto`: chosen from the number of cores. */
const countOrAuto = z.union([z.literal('auto'), count(1, 256)]).default('auto')

const server = z.strictObject({
  host: described(
    host.default('127.0.0.1'),
    'Address the data plane listens on. `0.0.0.0` opens it to the network; it asks nobody for a password.',
  ),
  http_port: described(
    port.default(8000),
    'Port of the data plane, shared by all data threads of all replicas. 0 takes a free one.',
  ),
  http: described(
    z.enum(['uws', 'node']).default('uws'),
    'HTTP engine: uWebSockets.js, or `node:http` (slower, pure JavaScript). Falls back to `node` by itself when no binary loads.',
  ),
  threads: described(
    countOrAuto,
    'Data threads per replica. `auto`: the cores but one, divided by the replicas. Raise it while cores are idle under load; lower it when other programs need the cores: more threads than cores only add waiting.',
  ),
  replicas: described(
    countOrAuto,
    'Serving processes. `auto`: 1 on up to 4 cores, else 2. Raise it so that the crash of one is no outage; lower it to save memory: each holds its own copy of every model.',
  ),
  drain_seconds_max: described(
    z.number().min(0).max(3600).default(20),
    'Longest wait for requests under way when a replica ends. Raise it for slow models; keep it below the grace period of what stops Sluice.',
  ),
  docs_page: described(
    z.boolean().default(true),
    'Whether `/docs` shows `/openapi.json` as a page on which requests can be tried out. Switch it off where people should not send requests by hand; `/openapi.json` stays.',
  ),
})

const control = z.strictObject({
  host: described(
    z.enum(['127.0.0.1', 'localhost', '::1']).default('127.0.0.1'),
    'Address of metrics and admin API. Only loopback is accepted until access control exists.',
  ),
  port: described(port.default(CONTROL_PORT), 'Port of metrics and admin API. 0 takes a free one.'),
})

const metrics = z.strictObject({
  listen: described(
    address.nullable().prefault(null),
    'Address, `host:port`, where control serves `/metrics`, `/livez` and `/readyz`, and nothing else, beside the control port. null: nowhere, so that only this machine can scrape. `0.0.0.0:8003` opens them to the network, without a password; an IPv6 address stands in brackets, and so in quotes: `"[::]:8003"`. Port 0 takes a free one.',
  ),
})

const limits = z.strictObject({
  body_bytes_max: described(
    count(1024, GIB).default(64 * MIB),
    'Largest request body; beyond it 413 `BODY_TOO_LARGE`. Raise it for large tensors; lower it to bound what one client can make the server hold. Above 256 MiB raise `watchdog.idle_seconds_max` too: reading one body can take 40 s a GiB.',
  ),
  body_bytes_in_flight_max: described(
    count(1024, GIB).default(256 * MIB),
    'All bodies that a replica buffers at once; beyond it 503 `BODY_BUDGET_EXHAUSTED`. Raise it when many large bodies arrive together; lower it where memory is short.',
  ),
  json_depth_max: described(
    count(2, 1000).default(100),
    'Deepest nesting of a JSON body; beyond it 400 `REQUEST_TOO_DEEP`. No supported request needs more than a tensor has dimensions: lower it freely, do not raise it.',
  ),
  header_bytes_max: described(
    count(1024, MIB).default(16_384),
    'Longest header block; beyond it the connection is closed with 431 or 400. Raise it for long tokens and baggage; lower it to hold less per connection.',
  ),
  queue_rows_max: described(
    count(1, 10_000_000).default(10_000),
    'Rows that may wait for one version in one thread; beyond it 503 `QUEUE_FULL`. Raise it to ride out bursts; lower it when answers that come late are worth nothing.',
  ),
})

const cors = z.strictObject({
  origins: described(
    origins.default([]),
    'Origins whose pages may call the data plane from a browser, each as browsers send it: `https://app.example.com`, without a path. `["*"]`: all pages. Empty: none, and requests from pages cost nothing more. It keeps out no other client.',
  ),
})

const proving = z.strictObject({
  timeout_seconds: described(
    z.number().min(1).max(3600).default(60),
    'Longest proving run of one version; beyond it the version is failed. Raise it for models that take long to load; lower it to hear of a hanging one sooner.',
    'reload',
  ),
  memory_bytes_max: described(
    count(64 * MIB, 1024 * GIB).default(4 * GIB),
    'Most memory that a proving run may take; beyond it the version is failed. Raise it for large models; lower it below what the machine has to spare.',
    'reload',
  ),
  rows_max: described(
    count(1, 65_536).default(256),
    'Largest batch that is measured, and so the largest that is formed. Raise it when `sluice models` shows batches at this size; lower it for quicker starts.',
    'reload',
  ),
})

const watchdog = z.strictObject({
  report_seconds: described(
    z.number().min(0.5).max(600).default(2),
    'Silence of a thread after which a warning is logged. Raise it if runs of that length are normal; lower it to see stalls.',
  ),
  idle_seconds_max: described(
    z.number().min(1).max(3600).default(10),
    'Silence of an idle thread after which its replica is replaced. Raise it on machines that stall (overbooked, swapping); lower it to recover sooner.',
  ),
  execution_timeout_seconds: described(
    z.number().min(1).max(3600).default(10),
    'Longest run of a model before its replica is replaced; below `idle_seconds_max`, that counts. Raise it for models that run longer; lower both to end a hanging run sooner, which blocks its thread until then.',
  ),
  load_seconds_max: described(
    z.number().min(1).max(3600).default(60),
    'Longest load of one version in a thread before its replica is replaced; each has all of it. Raise it, and `proving.timeout_seconds`, for models that take long to load; lower it to end a hanging load sooner. To prepare an epoch, a replica may take 60 s, or this if longer, for each version that it has to load.',
  ),
})

const log = z.strictObject({
  level: described(
    z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    'Least severe message that is written. `debug` to look into a fault; `warn` where every line costs.',
  ),
})

const section = <T extends z.ZodObject>(schema: T) => schema.prefault({} as z.input<T>)

export const sluiceSchema = z.strictObject({
  model_repository: described(
    path,
    "Folder of the models (Triton's tree: `<model>/<version>/model.onnx`). Relative to this file; as flag or variable, to the working folder.",
  ),
  default_endpoint: described(
    z.string().min(1).nullable().default(null),
    'Endpoint that answers `/predict` without a name. null: the only one, if there is just one.',
    'reload',
  ),
  state_dir: described(
    path.default('./.sluice'),
    'Folder for locks, the socket, proven models and logs. One gateway each. Relative like `model_repository`; a short path, since that of a socket ends at 107 bytes.',
  ),
  model_control_mode: described(
    z.enum(['none']).default('none'),
    'Who may load and unload models. `none`: nobody; the repository is read at start and on SIGHUP.',
  ),
  control_absence_max: described(
    z.number().min(0).max(86_400).default(60),
    'Seconds that replicas serve on without control before they drain and end. 0: for ever. Raise it if control may be away for longer; lower it so that nothing is left behind.',
  ),
  server: section(server),
  control: section(control),
  metrics: section(metrics),
  limits: section(limits),
  cors: section(cors),
  proving: section(proving),
  watchdog: section(watchdog),
  log: section(log),
})

export type SluiceYaml = z.output<typeof sluiceSchema>

/** Hints for keys whose reader needs more than the type that is wanted. */
export const HINTS: Readonly<Record<string, string>> = {
  model_repository: 'give --model-repository DIR, or the key in sluice.yaml',
  model_control_mode: '`poll` and `explicit` come with a later release',
  'server.grpc_port': 'gRPC comes with a later release',
  'control.host':
    'only loopback until access control exists; `metrics.listen` is for scrapers elsewhere',
  'cors.origins': 'such as ["https://app.example.com"], or ["*"] for all pages',
  'metrics.listen': 'such as 0.0.0.0:8003, or "[::]:8003" in quotes; null: nowhere',
}

interface Contradiction {
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

/** What no single key shows: values that contradict each other. */
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
  return [...found, ...portContradictions(yaml)]
}
