/**
 * Which path asks for what. The paths of inference are compiled per epoch into one map, so that the
 * usual request costs one look-up; everything else is taken apart on demand.
 */

import { isRefusal, type Refusal, refuse } from '../shared/errors.ts'
import { isModelName, parseVersion } from '../shared/ids.ts'
import { nearest } from '../shared/nearest.ts'
import {
  type Document,
  health,
  modelMetadata,
  modelReadiness,
  serverMetadata,
} from './documents.ts'
import { quote } from './json/pointer.ts'
import type { LiveEndpoint, LiveEpoch, LiveVariant } from './live-epoch.ts'
import { FEATURES, OIP, OTHER, type WireFormat } from './wire-formats.ts'

/** A path that takes inference requests. */
export interface InferRoute {
  readonly format: WireFormat
  readonly endpoint: LiveEndpoint
  /** Set when the path names a version. */
  readonly pinned: LiveVariant | null
}

export interface DocumentRoute {
  readonly kind: 'document'
  readonly format: WireFormat
  render(isReady: boolean): Document
}

export interface RefusedRoute {
  readonly kind: 'refused'
  readonly format: WireFormat
  readonly refusal: Refusal
  /** The methods that the path has, where the method is wrong; else ''. */
  readonly allow: string
}

export type Route = DocumentRoute | RefusedRoute

/** The paths that take inference requests under an epoch, and which of them was found last. */
export class RouteTable {
  readonly #byPath: ReadonlyMap<string, InferRoute>
  #lastPath = ''
  #lastRoute: InferRoute | undefined

  constructor(byPath: ReadonlyMap<string, InferRoute>) {
    this.#byPath = byPath
  }

  /** Comparing with the path before costs a quarter of hashing and finding (15 and 55 ns). */
  find(path: string): InferRoute | undefined {
    if (path === this.#lastPath) return this.#lastRoute
    this.#lastPath = path
    this.#lastRoute = this.#byPath.get(path)
    return this.#lastRoute
  }
}

/** The routes of an epoch, for as long as it lives. */
export const compileRoutes = (epoch: LiveEpoch): RouteTable => {
  const byPath = new Map<string, InferRoute>()
  const add = (
    path: string,
    format: WireFormat,
    endpoint: LiveEndpoint,
    pinned: LiveVariant | null,
  ) => byPath.set(path, { format, endpoint, pinned })
  for (const endpoint of epoch.endpoints.values()) {
    add(`/predict/${endpoint.name}`, FEATURES, endpoint, null)
    add(`/v2/models/${endpoint.name}/infer`, OIP, endpoint, null)
    for (const [version, variant] of endpoint.pinned) {
      add(`/v2/models/${endpoint.name}/versions/${version}/infer`, OIP, endpoint, variant)
    }
  }
  if (epoch.defaultEndpoint !== null) add('/predict', FEATURES, epoch.defaultEndpoint, null)
  return new RouteTable(byPath)
}

const refused = (format: WireFormat, refusal: Refusal, allow = ''): RefusedRoute => ({
  kind: 'refused',
  format,
  refusal,
  allow,
})

type Methods = 'POST' | 'GET, HEAD'

const wrongMethod = (format: WireFormat, method: string, allow: Methods): RefusedRoute => {
  const detail = `${method.slice(0, 16)} is not allowed here; use ${allow}`
  return refused(format, refuse('METHOD_NOT_ALLOWED', detail), allow)
}

const document = (render: (isReady: boolean) => Document, format = OTHER): DocumentRoute => ({
  kind: 'document',
  format,
  render,
})

const MODEL_PATH = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(infer|ready))?$/
const STATE_PATH =
  /^\/v2\/(?:repository\/models\/[^/]+\/(?:load|unload)|logging|(?:models\/[^/]+\/)?trace\/setting)$/

const names = (epoch: LiveEpoch): string => {
  const list = [...epoch.endpoints.keys()].slice(0, 20)
  return list.length === 0 ? 'none is served' : list.join(', ')
}

/** A name within a path as its client meant it, for messages. */
const decoded = (name: string): string => {
  try {
    return decodeURIComponent(name)
  } catch {
    return name // no valid encoding: as it was sent
  }
}

const notReady = (name: string): Refusal =>
  refuse('VERSION_NOT_READY', `'${name}' has no available version`)

const unknownName = (
  code: 'ENDPOINT_NOT_FOUND' | 'MODEL_NOT_FOUND',
  name: string,
  epoch: LiveEpoch,
): Refusal => {
  if (epoch.plan.unavailable.includes(name)) return notReady(name)
  const sent = decoded(name)
  const near = isModelName(sent) ? nearest(sent, [...epoch.endpoints.keys()]) : null
  const hint = near === null ? '.' : `; did you mean '${near}'?`
  const kind = code === 'MODEL_NOT_FOUND' ? 'model' : 'endpoint'
  return refuse(code, `Unknown ${kind} ${quote(sent)}${hint} Endpoints: ${names(epoch)}`)
}

const findVersion = (endpoint: LiveEndpoint, text: string): LiveVariant | Refusal => {
  const version = parseVersion(text)
  if (version === 0) {
    return refuse(
      'VERSION_NOT_FOUND',
      `${quote(decoded(text))} is no version: versions are integers from 1`,
    )
  }
  const variant = endpoint.pinned.get(version)
  if (variant !== undefined) return variant
  const served = [...endpoint.pinned.keys()].join(', ')
  return refuse('VERSION_NOT_FOUND', `Version ${version} is not served. Served: ${served}`)
}

const modelRoute = (epoch: LiveEpoch, method: string, match: RegExpMatchArray): Route => {
  const [, name = '', version, action] = match
  const endpoint = epoch.endpoints.get(name)
  if (endpoint === undefined) {
    const isAsked = action === 'ready' && method === 'GET' && epoch.plan.unavailable.includes(name)
    if (isAsked) return document(() => modelReadiness(name, false), OIP)
    return refused(OIP, unknownName('MODEL_NOT_FOUND', name, epoch))
  }
  const variant = version === undefined ? null : findVersion(endpoint, version)
  if (variant !== null && isRefusal(variant)) return refused(OIP, variant)
  if (action === 'infer') return wrongMethod(OIP, method, 'POST')
  if (method !== 'GET') return wrongMethod(OIP, method, 'GET, HEAD')
  if (action === 'ready') return document(() => modelReadiness(endpoint.name, true), OIP)
  return document(() => modelMetadata(endpoint, variant), OIP)
}

const FIXED: ReadonlyMap<string, DocumentRoute> = new Map([
  ['/livez', document(() => health('live', true))],
  ['/readyz', document((isReady) => health('ready', isReady))],
  ['/v2', document(() => serverMetadata(), OIP)],
  ['/v2/health/live', document(() => health('live', true), OIP)],
  ['/v2/health/ready', document((isReady) => health('ready', isReady), OIP)],
])

const predictRoute = (epoch: LiveEpoch, method: string, path: string): Route => {
  const name = path.slice('/predict/'.length)
  if (path !== '/predict' && !epoch.endpoints.has(name)) {
    return refused(FEATURES, unknownName('ENDPOINT_NOT_FOUND', name, epoch))
  }
  if (method !== 'POST') return wrongMethod(FEATURES, method, 'POST')
  const { defaultEndpoint, unavailable } = epoch.plan
  if (defaultEndpoint !== null && unavailable.includes(defaultEndpoint)) {
    return refused(FEATURES, notReady(defaultEndpoint))
  }
  const choices = `Name an endpoint: POST /predict/{endpoint}. Endpoints: ${names(epoch)}`
  return refused(FEATURES, refuse('ENDPOINT_NOT_FOUND', choices))
}

/** The format in which a path is answered, whatever comes of it. */
export const formatOf = (path: string): WireFormat => {
  if (path === '/v2' || path.startsWith('/v2/')) return OIP
  return path === '/predict' || path.startsWith('/predict/') ? FEATURES : OTHER
}

/** Route of a request that is not in the compiled table. `method` HEAD counts as GET. */
export const resolveRoute = (epoch: LiveEpoch, sentMethod: string, path: string): Route => {
  const method = sentMethod === 'HEAD' ? 'GET' : sentMethod
  const fixed = FIXED.get(path)
  if (fixed !== undefined) {
    return method === 'GET' ? fixed : wrongMethod(fixed.format, method, 'GET, HEAD')
  }
  const format = formatOf(path)
  if (format === FEATURES) return predictRoute(epoch, method, path)
  const model = path.match(MODEL_PATH)
  if (model !== null) return modelRoute(epoch, method, model)
  if (STATE_PATH.test(path) && method === 'POST') {
    const detail = 'This server does not change models or settings by request'
    return refused(OIP, refuse('FORBIDDEN', detail))
  }
  return refused(format, refuse('ROUTE_NOT_FOUND', `No such path: ${quote(decoded(path))}`))
}
