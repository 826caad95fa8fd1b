/**
 * The paths under `/v2` beside inference: Open Inference Protocol v2 with what Triton adds to it
 * (server, http_server.cc), and the list of KServe. Every path that one of them has is answered:
 * what this server does not have with 501, what it does not let clients change with 403.
 *
 * Paths are compared as they were sent. A name is never decoded: no model can have one that needs
 * to be, and so no encoding leads to a path that its text does not show.
 */

import { isRefusal, refuse } from '../shared/errors.ts'
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
import { readIndexRequest } from './protocols/repository-request.ts'
import {
  decoded,
  document,
  findVersion,
  isAllowed,
  type Methods,
  noSuchPath,
  type Route,
  refused,
  unknownName,
  wrongMethod,
} from './route.ts'
import { OIP } from './wire-formats.ts'

const oipDocument = (render: (isReady: boolean) => Document) => document(render, OIP)

const notImplemented = (what: string) =>
  refused(OIP, refuse('NOT_IMPLEMENTED', `This server does not have ${what}`))

const forbidden = refused(
  OIP,
  refuse('FORBIDDEN', 'This server does not change models or settings by request'),
)

/** Calls on a model that are answered with 501. */
const ABSENT_ACTIONS: Readonly<Record<string, readonly [allow: Methods, what: string]>> = {
  config: ['GET, HEAD', 'the model_configuration extension; the metadata has names and shapes'],
  stats: ['GET, HEAD', 'the statistics extension; control has the figures under /metrics'],
  generate: ['POST', 'the generate extension'],
  generate_stream: ['POST', 'the generate extension'],
  infer_stream: ['POST', 'streams over HTTP'],
}

const MODEL_PATH =
  /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(infer|ready|config|stats|generate|generate_stream|infer_stream))?$/

const modelRoute = (
  epoch: LiveEpoch,
  method: string,
  [, name = '', version, action = '']: RegExpMatchArray,
): Route => {
  const endpoint = epoch.endpoints.get(name)
  if (endpoint === undefined) {
    const isAsked = action === 'ready' && method === 'GET' && epoch.plan.unavailable.includes(name)
    if (isAsked) return oipDocument(() => modelReadiness(name, false))
    return refused(OIP, unknownName('MODEL_NOT_FOUND', name, epoch))
  }
  const variant = version === undefined ? null : findVersion(endpoint, version)
  if (variant !== null && isRefusal(variant)) return refused(OIP, variant)
  if (action === 'infer') return wrongMethod(OIP, method, 'POST')
  const absent = ABSENT_ACTIONS[action]
  const allow = absent?.[0] ?? 'GET, HEAD'
  if (!isAllowed(allow, method)) return wrongMethod(OIP, method, allow)
  if (absent !== undefined) return notImplemented(absent[1])
  if (action === 'ready') return oipDocument(() => modelReadiness(endpoint.name, true))
  return oipDocument(() => modelMetadata(endpoint, variant))
}

/** What has no name of a model in its path, by its method. */
const FIXED = new Map<string, (epoch: LiveEpoch) => Route>([
  ['/v2', () => oipDocument(serverMetadata)],
  ['/v2/health/live', () => oipDocument(() => health('live', true))],
  ['/v2/health/ready', () => oipDocument((isReady) => health('ready', isReady))],
  ['/v2/models', (epoch) => oipDocument(() => modelList(epoch.plan))],
])

const INDEX_PATH = /^\/v2\/repository(?:\/[^/]+)?\/index$/

const index: Route = { kind: 'call', format: OIP, read: readIndexRequest }

const MEMORY_PATH =
  /^\/v2\/(system|cuda)sharedmemory(?:\/region\/[^/]+)?\/(status|register|unregister)$/

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

/** A load says first what is wrong with the name, as Triton does, and an unload does not. */
const controlRoute = (method: string, [, name = '', action]: RegExpMatchArray): Route => {
  if (method !== 'POST') return wrongMethod(OIP, method, 'POST')
  const sent = decoded(name)
  if (action === 'unload') return forbidden
  if (sent.trim() === '') {
    const detail = 'Model name cannot be empty. Please enter a valid name to deploy.'
    return refused(OIP, refuse('REQUEST_MALFORMED', detail))
  }
  if (sent.trim() === '..' || sent.includes('/')) {
    const what = `invalid model name ${quote(sent)}`
    const detail = `${what}, model name must not contain path traversal characters`
    return refused(OIP, refuse('REQUEST_MALFORMED', detail))
  }
  return forbidden
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
    const [, kind = '', action] = memory
    const allow = action === 'status' ? 'GET, HEAD' : 'POST'
    if (!isAllowed(allow, method)) return wrongMethod(OIP, method, allow)
    return notImplemented(`the ${kind}_shared_memory extension; send tensors in the body`)
  }
  // Of all models; a model of that name shows its metadata, which it would otherwise not have.
  if (path === '/v2/models/stats' && !epoch.endpoints.has('stats')) {
    if (method !== 'GET') return wrongMethod(OIP, method, 'GET, HEAD')
    return notImplemented(ABSENT_ACTIONS['stats']![1])
  }
  const model = path.match(MODEL_PATH)
  return model === null ? noSuchPath(OIP, path) : modelRoute(epoch, method, model)
}
