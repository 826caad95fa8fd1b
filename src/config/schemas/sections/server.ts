/** `server`: the data plane and the processes that serve it. */

import { z } from 'zod'
import { host, port } from '../address.ts'
import { count, setting } from '../setting.ts'

export const GRPC_PORT = 8001

/** A count, or `auto`: chosen from the number of cores. */
const countOrAuto = z.union([z.literal('auto'), count(1, 256)]).default('auto')

export const server = z.strictObject({
  host: setting(
    host.default('127.0.0.1'),
    'Address the data plane listens on. `0.0.0.0` opens it to the network; see `access` and `tls`, without which it asks nobody for a key and hides nothing.',
  ),
  http_port: setting(
    port.default(8000),
    'HTTP port of the data plane, shared by all data threads of all replicas. 0 takes a free one.',
  ),
  grpc_port: setting(
    port.nullable().default(GRPC_PORT),
    'Port of gRPC on the same host, shared by all data threads of all replicas. 0 takes a free one; null: no gRPC is served. See `grpc` for its limits.',
  ),
  http: setting(
    z.enum(['uws', 'node']).default('uws'),
    'HTTP engine: uWebSockets.js, or `node:http` (slower, pure JavaScript). Falls back to `node` by itself when no binary loads.',
  ),
  threads: setting(
    countOrAuto,
    'Data threads per replica. `auto`: the cores but one, divided by the replicas. Raise it while cores are idle under load; lower it when other programs need the cores: more threads than cores only add waiting.',
  ),
  compute_threads: setting(
    z.union([z.literal('auto'), count(1, 255)]).default('auto'),
    'Threads per replica that run pooled versions, those too slow for a data thread. `auto`: the cores divided by the replicas, less the data threads, and at least 1. Raise it while requests of such versions wait and cores are idle; they start with the first pooled version.',
  ),
  replicas: setting(
    countOrAuto,
    'Serving processes. `auto`: 1 on up to 4 cores, else 2. Raise it so that the crash of one is no outage; lower it to save memory: each holds its own copy of every model.',
  ),
  drain_seconds_max: setting(
    z.number().min(0).max(3600).default(20),
    'Longest wait for requests under way when a replica ends. Raise it for slow models; keep it below the grace period of what stops Sluice.',
  ),
  docs_page: setting(
    z.boolean().default(true),
    'Whether `/docs` shows `/openapi.json` as a page on which requests can be tried out. Switch it off where people should not send requests by hand; `/openapi.json` stays.',
  ),
})
