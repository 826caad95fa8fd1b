/**
 * The schema of sluice.yaml, flags and variables. `docs/reference/config.md` is generated from it:
 * every key says what it does, when to raise and lower it, and its meta says what a change costs.
 */

import { z } from 'zod'

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
const port = count(0, 65_535)
const MIB = 1024 * 1024
const GIB = 1024 * MIB

/** A count, or `auto` (null): chosen from the number of cores. */
const countOrAuto = z.union([z.literal('auto'), count(1, 256)]).default('auto')

const server = z.strictObject({
  host: described(
    z.string().min(1).default('127.0.0.1'),
    'Address the data plane listens on. `0.0.0.0` opens it to the network; it asks nobody for a password.',
  ),
  http_port: described(port.default(8000), 'Port of the data plane. 0 takes a free one.'),
  http: described(
    z.enum(['uws', 'node']).default('uws'),
    'HTTP engine: uWebSockets.js, or `node:http` (slower, pure JavaScript). Falls back to `node` by itself when no binary loads.',
  ),
  threads: described(
    countOrAuto,
    'Data threads per replica. `auto`: one less than the cores, divided by the replicas. Raise it while cores are idle; more threads than cores only add waiting.',
  ),
  replicas: described(
    countOrAuto,
    'Serving processes. `auto`: 1 on up to 4 cores, else 2. With two, a crash of one is not an outage; each holds its own copy of every model.',
  ),
  drain_seconds_max: described(
    z.number().min(0).max(3600).default(20),
    'Longest wait for requests under way when a replica ends. Keep it below the grace period of what stops Sluice.',
  ),
})

const control = z.strictObject({
  host: described(
    z.enum(['127.0.0.1', 'localhost', '::1']).default('127.0.0.1'),
    'Address of metrics and admin API. Only loopback is accepted until access control exists.',
  ),
  port: described(port.default(8002), 'Port of metrics and admin API. 0 takes a free one.'),
})

const limits = z.strictObject({
  body_bytes_max: described(
    count(1024, GIB).default(64 * MIB),
    'Largest request body. Raise it for large tensors; lower it to bound what one client can make the server hold.',
  ),
  body_bytes_in_flight_max: described(
    count(1024, GIB).default(256 * MIB),
    'All bodies that a replica buffers at once. Bodies beyond it get 503.',
  ),
  json_depth_max: described(
    count(2, 1000).default(100),
    'Deepest nesting of a JSON body. No supported request needs more than a tensor has dimensions.',
  ),
  header_bytes_max: described(
    count(1024, MIB).default(16_384),
    'Longest header block. Raise it for long tokens; beyond it the connection is closed with 431 or 400.',
  ),
  queue_rows_max: described(
    count(1, 10_000_000).default(10_000),
    'Rows that may wait for one version in one thread. Beyond it requests get 503 QUEUE_FULL. Lower it when answers that come late are worth nothing.',
  ),
})

const proving = z.strictObject({
  timeout_seconds: described(
    z.number().min(1).max(3600).default(60),
    'Longest proving run of one version. Raise it for models that take long to load.',
    'reload',
  ),
  memory_bytes_max: described(
    count(64 * MIB, 1024 * GIB).default(4 * GIB),
    'Most memory that a proving run may take.',
    'reload',
  ),
  rows_max: described(
    count(1, 65_536).default(256),
    'Largest batch that is measured, and so the largest that is formed.',
    'reload',
  ),
})

const watchdog = z.strictObject({
  report_seconds: described(
    z.number().min(0.5).max(600).default(2),
    'Silence of a thread after which a warning is logged.',
  ),
  idle_seconds_max: described(
    z.number().min(1).max(3600).default(10),
    'Silence of an idle thread after which its replica is replaced.',
  ),
  execution_timeout_seconds: described(
    z.number().min(1).max(3600).default(10),
    'Longest run of a model before its replica is replaced. Raise it for models that run longer.',
  ),
  load_seconds_max: described(
    z.number().min(1).max(3600).default(60),
    'Longest load of a model in a thread before its replica is replaced.',
  ),
})

const section = <T extends z.ZodObject>(schema: T) => schema.prefault({} as z.input<T>)

export const sluiceSchema = z.strictObject({
  model_repository: described(
    z.string().min(1),
    "Folder of the models (Triton's tree). Relative to this file.",
  ),
  default_endpoint: described(
    z.string().min(1).nullable().default(null),
    'Endpoint that answers `/predict` without a name. null: the only one, if there is just one.',
    'reload',
  ),
  state_dir: described(
    z.string().min(1).default('./.sluice'),
    'Folder for locks, the socket, proven models and logs. One gateway each. Relative to this file.',
  ),
  model_control_mode: described(
    z.enum(['none']).default('none'),
    'Who may load and unload models. `none`: the repository, read at start and on SIGHUP. `poll` and `explicit` come with a later release.',
  ),
  control_absence_max: described(
    z.number().min(0).max(86_400).default(60),
    'Seconds that replicas serve on without control before they end. 0: for ever.',
  ),
  server: section(server),
  control: section(control),
  limits: section(limits),
  proving: section(proving),
  watchdog: section(watchdog),
  log: section(
    z.strictObject({
      level: described(
        z.enum(['debug', 'info', 'warn', 'error']).default('info'),
        'Least severe message that is written.',
      ),
    }),
  ),
})

export type SluiceYaml = z.output<typeof sluiceSchema>
