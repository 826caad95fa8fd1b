/**
 * Which path asks for what. The paths of inference are compiled per epoch into one map, so that the
 * usual request costs one look-up; everything else is taken apart on demand.
 */

import { refuse } from '../shared/errors.ts'
import type { Describe } from './api-description.ts'
import { health } from './documents.ts'
import type { Exchange } from './exchange.ts'
import type { LiveEndpoint, LiveEpoch, LiveVariant } from './live-epoch.ts'
import { oipRoute } from './oip-routes.ts'
import {
  type DocumentRoute,
  document,
  endpointNames,
  noSuchPath,
  notReady,
  type Route,
  refused,
  unknownName,
  wrongMethod,
} from './route.ts'
import { tfsRoute } from './tfs-routes.ts'
import { FEATURES, OIP, OTHER, TFS, type WireFormat } from './wire-formats.ts'

/** A path that takes inference requests. */
export interface InferRoute {
  readonly format: WireFormat
  readonly endpoint: LiveEndpoint
  /** Set when the path names a version. */
  readonly pinned: LiveVariant | null
}

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
    add(`/v1/models/${endpoint.name}:predict`, TFS, endpoint, null)
    for (const [version, variant] of endpoint.pinned) {
      add(`/v1/models/${endpoint.name}/versions/${version}:predict`, TFS, endpoint, variant)
      add(`/v2/models/${endpoint.name}/versions/${version}/infer`, OIP, endpoint, variant)
    }
  }
  if (epoch.defaultEndpoint !== null) add('/predict', FEATURES, epoch.defaultEndpoint, null)
  return new RouteTable(byPath)
}

const FIXED: ReadonlyMap<string, DocumentRoute> = new Map([
  ['/livez', document(() => health('live', true))],
  ['/readyz', document((isReady) => health('ready', isReady))],
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
  const choices = `Name an endpoint: POST /predict/{endpoint}. Endpoints: ${endpointNames(epoch)}`
  return refused(FEATURES, refuse('ENDPOINT_NOT_FOUND', choices))
}

const FEEDBACK_PATH = '/feedback'

const feedbackRoute = (method: string): Route =>
  method === 'POST' ? { kind: 'feedback', format: FEATURES } : wrongMethod(FEATURES, method, 'POST')

/** The format in which a path is answered, whatever comes of it. */
const formatOf = (path: string): WireFormat => {
  if (path === '/v2' || path.startsWith('/v2/')) return OIP
  if (path === '/v1' || path.startsWith('/v1/')) return TFS
  if (path === '/predict' || path.startsWith('/predict/')) return FEATURES
  return path === FEEDBACK_PATH ? FEATURES : OTHER
}

/** The format of a request, before its route is known. */
export const formatFor = ({ format, path }: Pick<Exchange, 'format' | 'path'>): WireFormat =>
  format ?? formatOf(path)

/** Route of a request that is not in the compiled table. `method` HEAD counts as GET. */
export const resolveRoute = (
  epoch: LiveEpoch,
  describe: Describe,
  sentMethod: string,
  path: string,
): Route => {
  const method = sentMethod === 'HEAD' ? 'GET' : sentMethod
  const fixed = FIXED.get(path)
  if (fixed !== undefined) {
    return method === 'GET' ? fixed : wrongMethod(fixed.format, method, 'GET, HEAD')
  }
  if (path === FEEDBACK_PATH) return feedbackRoute(method)
  const described = describe(epoch, path)
  if (described !== null) {
    return method === 'GET' ? document(described) : wrongMethod(OTHER, method, 'GET, HEAD')
  }
  const format = formatOf(path)
  if (format === FEATURES) return predictRoute(epoch, method, path)
  if (format === TFS) return tfsRoute(epoch, method, path)
  return format === OIP ? oipRoute(epoch, method, path) : noSuchPath(format, path)
}
