/**
 * Which path asks for what. The paths of inference are compiled per epoch into one map, so that the
 * usual request costs one look-up; everything else is taken apart on demand.
 */

import { type Refusal, refuse } from '../shared/errors.ts'
import { isModelName, parseVersion } from '../shared/ids.ts'
import { nearest } from '../shared/nearest.ts'
import {
  type Document,
  health,
  modelMetadata,
  modelReadiness,
  serverMetadata,
} from './documents.ts'
import type { LiveEndpoint, LiveEpoch, LiveVariant } from './live-epoch.ts'
import { FEATURES, OIP, OTHER, type WireFormat } from './wire-formats.ts'

export interface InferRoute {
  readonly kind: 'infer'
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
}

export type Route = InferRoute | DocumentRoute | RefusedRoute

export type RouteTable = ReadonlyMap<string, InferRoute>

/** The paths that take inference requests under an epoch. */
export const compileRoutes = (epoch: LiveEpoch): RouteTable => {
  const table = new Map<string, InferRoute>()
  const add = (
    path: string,
    format: WireFormat,
    endpoint: LiveEndpoint,
    pinned: LiveVariant | null,
  ) => table.set(path, { kind: 'infer', format, endpoint, pinned })
  for (const endpoint of epoch.endpoints.values()) {
    add(`/predict/${endpoint.name}`, FEATURES, endpoint, null)
    add(`/v2/models/${endpoint.name}/infer`, OIP, endpoint, null)
    for (const [version, variant] of endpoint.pinned) {
      add(`/v2/models/${endpoint.name}/versions/${version}/infer`, OIP, endpoint, variant)
    }
  }
  if (epoch.defaultEndpoint !== null) add('/predict', FEATURES, epoch.defaultEndpoint, null)
  return table
}

const refused = (format: WireFormat, refusal: Refusal): RefusedRoute => ({
  kind: 'refused',
  format,
  refusal,
})

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

/** Text of a client's that goes into a message: short, and visibly cut. */
const quote = (text: string): string => `'${text.length > 64 ? `${text.slice(0, 64)}…` : text}'`

const unknownName = (
  code: 'ENDPOINT_NOT_FOUND' | 'MODEL_NOT_FOUND',
  name: string,
  epoch: LiveEpoch,
): Refusal => {
  if (epoch.plan.unavailable.includes(name)) {
    return refuse('VERSION_NOT_READY', `${quote(name)} has no available version`)
  }
  const near = isModelName(name) ? nearest(name, [...epoch.endpoints.keys()]) : null
  const hint = near === null ? '' : `; did you mean '${near}'?`
  const kind = code === 'MODEL_NOT_FOUND' ? 'model' : 'endpoint'
  return refuse(code, `Unknown ${kind} ${quote(name)}${hint} Endpoints: ${names(epoch)}`)
}

const findVersion = (endpoint: LiveEndpoint, text: string): LiveVariant | Refusal => {
  const version = parseVersion(text)
  if (version === 0) {
    return refuse('VERSION_NOT_FOUND', `${quote(text)} is no version: versions are integers from 1`)
  }
  const variant = endpoint.pinned.get(version)
  if (variant !== undefined) return variant
  const served = [...endpoint.pinned.keys()].join(', ')
  return refuse('VERSION_NOT_FOUND', `Version ${version} is not served. Served: ${served}`)
}

const modelRoute = (epoch: LiveEpoch, method: string, match: RegExpMatchArray): Route => {
  const [, name = '', version, action] = match
  const endpoint = epoch.endpoints.get(name)
  if (endpoint === undefined) return refused(OIP, unknownName('MODEL_NOT_FOUND', name, epoch))
  const variant = version === undefined ? null : findVersion(endpoint, version)
  if (variant !== null && 'code' in variant) return refused(OIP, variant)
  if (action === 'infer') return refused(OIP, wrongMethod(method, 'POST'))
  if (method !== 'GET') return refused(OIP, wrongMethod(method, 'GET'))
  if (action === 'ready') return document(() => modelReadiness(endpoint, variant), OIP)
  return document(() => modelMetadata(endpoint, variant), OIP)
}

const wrongMethod = (method: string, wanted: string): Refusal =>
  refuse('METHOD_NOT_ALLOWED', `${method.slice(0, 16)} is not allowed here; use ${wanted}`)

const FIXED: ReadonlyMap<string, DocumentRoute> = new Map([
  ['/livez', document(() => health('live', true))],
  ['/readyz', document((isReady) => health('ready', isReady))],
  ['/v2', document(() => serverMetadata(), OIP)],
  ['/v2/health/live', document(() => health('live', true), OIP)],
  ['/v2/health/ready', document((isReady) => health('ready', isReady), OIP)],
])

const predictRoute = (epoch: LiveEpoch, method: string, path: string): Route => {
  const name = path.slice('/predict/'.length)
  if (path === '/predict' || epoch.endpoints.has(name)) {
    if (method !== 'POST') return refused(FEATURES, wrongMethod(method, 'POST'))
    const choices = `Name an endpoint: POST /predict/{endpoint}. Endpoints: ${names(epoch)}`
    return refused(FEATURES, refuse('ENDPOINT_NOT_FOUND', choices))
  }
  return refused(FEATURES, unknownName('ENDPOINT_NOT_FOUND', name, epoch))
}

/** Route of a request that is not in the compiled table. `method` HEAD counts as GET. */
export const resolveRoute = (epoch: LiveEpoch, sentMethod: string, path: string): Route => {
  const method = sentMethod === 'HEAD' ? 'GET' : sentMethod
  const fixed = FIXED.get(path)
  if (fixed !== undefined) {
    return method === 'GET' ? fixed : refused(fixed.format, wrongMethod(method, 'GET'))
  }
  if (path === '/predict' || path.startsWith('/predict/')) return predictRoute(epoch, method, path)
  const model = path.match(MODEL_PATH)
  if (model !== null) return modelRoute(epoch, method, model)
  if (STATE_PATH.test(path) && method === 'POST') {
    const detail = 'This server does not change models or settings by request'
    return refused(OIP, refuse('FORBIDDEN', detail))
  }
  const format = path.startsWith('/v2/') ? OIP : OTHER
  return refused(format, refuse('ROUTE_NOT_FOUND', `No such path: ${quote(path)}`))
}
