/**
 * The paths under `/v2` beside inference: Open Inference Protocol v2 with what Triton adds to it
 * (server, http_server.cc), and the list of KServe. Every path that one of them has is answered:
 * what this server does not have with 501, what it does not let clients change with 403.
 *
 * Paths are compared as they were sent. A name is never decoded: no model can have one that needs
 * to be, and so no encoding leads to a path that its text does not show.
 */

import { refuse } from '../shared/errors.ts'
import { type CallKind, type CallPayloads, forwardedCall } from '../shared/forwarded-call.ts'
import {
  type Document,
  health,
  modelList,
  modelMetadata,
  modelReadiness,
  serverMetadata,
} from './documents.ts'
import { quote } from './json/pointer.ts'
import type { LiveEpoch } from './live-epoch.ts'
import {
  readIndexRequest,
  readLoadRequest,
  readUnloadRequest,
} from './protocols/oip/repository-request.ts'
import {
  absentAction,
  type CallRoute,
  decoded,
  document,
  isAllowed,
  type Methods,
  type ModelAction,
  modelRoute,
  noSuchPath,
  notReady,
  type Route,
  refused,
  unknownName,
  wrongMethod,
} from './route.ts'
import { OIP } from './wire-formats.ts'

const oipDocument = (render: (isReady: boolean) => Document) => document(render, OIP)

const forbidden = refused(
  OIP,
  refuse('FORBIDDEN', 'This server does not change settings by request'),
)

const notImplemented = (what: string) =>
  refused(OIP, refuse('NOT_IMPLEMENTED', `This server does not have ${what}`))

/** What control answers, of a request that says all in its path. */
const oipCall = <Kind extends CallKind>(kind: Kind, payload: CallPayloads[Kind]): Route => ({
  kind: 'call',
  format: OIP,
  isLocalOnly: false,
  read: () => forwardedCall(kind, payload),
})

const absent = (allow: Methods, what: string) => absentAction(OIP, allow, what)

/** What can be asked of a model: the last part of the path. */
const ACTIONS: Readonly<Record<string, ModelAction>> = {
  '': {
    allow: 'GET, HEAD',
    route: (endpoint, pinned) => oipDocument(() => modelMetadata(endpoint, pinned)),
  },
  ready: {
    allow: 'GET, HEAD',
    route: ({ name }) => oipDocument(() => modelReadiness(name, true)),
  },
  infer: { allow: 'POST' },
  config: {
    allow: 'GET, HEAD',
    route: (endpoint, pinned) => {
      const variant = pinned ?? endpoint.only ?? endpoint.variants[0]
      if (variant === undefined) return refused(OIP, notReady(endpoint.name))
      const { model, version } = variant.plan
      return oipCall('model_config', { model, version })
    },
  },
  stats: {
    allow: 'GET, HEAD',
    route: ({ model }, pinned) =>
      oipCall('model_statistics', { model, version: pinned?.plan.version ?? null }),
  },
  generate: absent('POST', 'the generate extension'),
  generate_stream: absent('POST', 'the generate extension'),
  infer_stream: absent('POST', 'streams over HTTP'),
}

const MODEL_PATH =
  /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(infer|ready|config|stats|generate|generate_stream|infer_stream))?$/

const oipModelRoute = (
  epoch: LiveEpoch,
  method: string,
  [, name = '', version, action = '']: RegExpMatchArray,
): Route => {
  // The one path that answers for a model without available versions.
  if (action === 'ready' && method === 'GET' && epoch.plan.unavailable.includes(name)) {
    return oipDocument(() => modelReadiness(name, false))
  }
  return modelRoute(epoch, OIP, method, [name, version], ACTIONS[action]!)
}

/** What has no name of a model in its path, by its method. */
const FIXED = new Map<string, (epoch: LiveEpoch) => Route>([
  ['/v2', () => oipDocument(serverMetadata)],
  ['/v2/health/live', () => oipDocument(() => health('live', true))],
  ['/v2/health/ready', () => oipDocument((isReady) => health('ready', isReady))],
  ['/v2/models', (epoch) => oipDocument(() => modelList(epoch.plan))],
])

const INDEX_PATH = /^\/v2\/repository(?:\/[^/]+)?\/index$/

const index: Route = { kind: 'call', format: OIP, isLocalOnly: false, read: readIndexRequest }

const MEMORY_PATH =
  /^\/v2\/(system|cuda)sharedmemory(?:\/region\/[^/]+)?(?:\/(status|register|unregister))?$/

const SETTINGS_PATH = /^\/v2\/(?:(logging)|(?:models\/([^/]+)\/)?trace\/setting)$/

/** Names may hold anything here, so that what is wrong with one can be said. */
const CONTROL_PATH = /^\/v2\/repository\/(?:[^/]+\/)?models\/(.*)\/(load|unload)$/

const settingsRoute = (
  epoch: LiveEpoch,
  method: string,
  [, logging, name]: RegExpMatchArray,
): Route => {
  if (name !== undefined && !epoch.endpoints.has(name)) {
    return refused(OIP, unknownName('MODEL_NOT_FOUND', name, epoch))
  }
  if (method === 'POST') return forbidden
  if (method !== 'GET') return wrongMethod(OIP, method, 'GET, HEAD, POST')
  return notImplemented(`the ${logging ?? 'trace'} extension`)
}

/** A load says first what is wrong with the name, as Triton does; of an unload control says it. */
const controlRoute = (method: string, [, name = '', action]: RegExpMatchArray): Route => {
  if (method !== 'POST') return wrongMethod(OIP, method, 'POST')
  const sent = decoded(name)
  const call = (read: CallRoute['read']): Route => ({
    ...{ kind: 'call', format: OIP, isLocalOnly: true },
    read,
  })
  if (action === 'unload') return call((body, depth) => readUnloadRequest(sent, body, depth))
  if (sent.trim() === '') {
    const detail = 'Model name cannot be empty. Please enter a valid name to deploy.'
    return refused(OIP, refuse('REQUEST_MALFORMED', detail))
  }
  if (sent.trim() === '..' || sent.includes('/')) {
    const what = `invalid model name ${quote(sent)}`
    const detail = `${what}, model name must not contain path traversal characters`
    return refused(OIP, refuse('REQUEST_MALFORMED', detail))
  }
  return call((body, depth) => readLoadRequest(sent, body, depth))
}

/** Route of a path under `/v2`, `method` HEAD counting as GET. */
export const oipRoute = (epoch: LiveEpoch, method: string, path: string): Route => {
  const fixed = FIXED.get(path)
  if (fixed !== undefined) {
    return method === 'GET' ? fixed(epoch) : wrongMethod(OIP, method, 'GET, HEAD')
  }
  if (INDEX_PATH.test(path)) return method === 'POST' ? index : wrongMethod(OIP, method, 'POST')
  const settings = path.match(SETTINGS_PATH)
  if (settings !== null) return settingsRoute(epoch, method, settings)
  const control = path.match(CONTROL_PATH)
  if (control !== null) return controlRoute(method, control)
  const memory = path.match(MEMORY_PATH)
  if (memory !== null) {
    const [, kind = '', action = 'status'] = memory
    const allow = action === 'status' ? 'GET, HEAD' : 'POST'
    if (!isAllowed(allow, method)) return wrongMethod(OIP, method, allow)
    return notImplemented(`the ${kind}_shared_memory extension; send tensors in the body`)
  }
  // Of all models; a model of that name shows its metadata, which it would otherwise not have.
  if (path === '/v2/models/stats' && !epoch.endpoints.has('stats')) {
    if (method !== 'GET') return wrongMethod(OIP, method, 'GET, HEAD')
    return oipCall('model_statistics', { model: null, version: null })
  }
  const model = path.match(MODEL_PATH)
  return model === null ? noSuchPath(OIP, path) : oipModelRoute(epoch, method, model)
}
