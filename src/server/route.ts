/** What a path can lead to, beside inference, and the refusals that several paths share. */

import { isRefusal, type Refusal, refuse } from '../shared/errors.ts'
import type { ForwardedCall } from '../shared/forwarded-call.ts'
import { isModelName, parseVersion } from '../shared/ids.ts'
import { nearest } from '../shared/nearest.ts'
import type { Document } from './documents.ts'
import { quote } from './json/pointer.ts'
import type { LiveEndpoint, LiveEpoch, LiveVariant } from './live-epoch.ts'
import { OTHER, type WireFormat } from './wire-formats.ts'

export interface DocumentRoute {
  readonly kind: 'document'
  readonly format: WireFormat
  render(isReady: boolean): Document
}

/** What control answers. */
export interface CallRoute {
  readonly kind: 'call'
  readonly format: WireFormat
  /** It changes something, and is for programs on this machine only. */
  readonly isLocalOnly: boolean
  /** Makes the call of the body, or says what is wrong with it. */
  read(body: Uint8Array, jsonDepthMax: number): ForwardedCall | Refusal
}

/** Labels of predictions. */
interface FeedbackRoute {
  readonly kind: 'feedback'
  readonly format: WireFormat
}

export interface RefusedRoute {
  readonly kind: 'refused'
  readonly format: WireFormat
  readonly refusal: Refusal
  /** The methods that the path has, where the method is wrong; else ''. */
  readonly allow: string
}

/** What OPTIONS is answered. */
interface OptionsRoute {
  readonly kind: 'options'
  readonly format: WireFormat
  readonly allow: string
}

export type Route = DocumentRoute | CallRoute | FeedbackRoute | OptionsRoute | RefusedRoute

export type Methods = 'POST' | 'GET, HEAD' | 'GET, HEAD, POST'

export const refused = (format: WireFormat, refusal: Refusal, allow = ''): RefusedRoute => ({
  kind: 'refused',
  format,
  refusal,
  allow,
})

/** A path is asked with a method that it does not have, unless that is OPTIONS: all have it. */
export const wrongMethod = (format: WireFormat, method: string, methods: Methods): Route => {
  const allow = `${methods}, OPTIONS`
  if (method === 'OPTIONS') return { kind: 'options', format, allow }
  const detail = `${method.slice(0, 16)} is not allowed here; use ${methods}`
  return refused(format, refuse('METHOD_NOT_ALLOWED', detail), allow)
}

/** `method`: HEAD counts as GET. */
export const isAllowed = (allow: Methods, method: string): boolean =>
  allow.split(', ').includes(method)

export const document = (
  render: (isReady: boolean) => Document,
  format = OTHER,
): DocumentRoute => ({ kind: 'document', format, render })

/** A name within a path as its client meant it: for messages. Paths are compared as sent. */
export const decoded = (name: string): string => {
  try {
    return decodeURIComponent(name)
  } catch {
    return name // no valid encoding: as it was sent
  }
}

export const noSuchPath = (format: WireFormat, path: string): RefusedRoute =>
  refused(format, refuse('ROUTE_NOT_FOUND', `No such path: ${quote(decoded(path))}`))

/** At most this many names in a message. */
const NAMES_MAX = 20

const listed = (names: ReadonlyMap<unknown, unknown>): string => {
  const list = names.keys().take(NAMES_MAX).toArray().join(', ')
  return names.size > NAMES_MAX ? `${list} and ${names.size - NAMES_MAX} more` : list
}

export const endpointNames = ({ endpoints }: LiveEpoch): string =>
  endpoints.size === 0 ? 'none is served' : listed(endpoints)

export const notReady = (name: string): Refusal =>
  refuse('VERSION_NOT_READY', `'${name}' has no available versions`)

/**
 * Of a name that no endpoint has. To clients of the Open Inference Protocol it begins as Triton's
 * message does (core, model_repository_manager.cc): they and their tests look for it.
 */
export const unknownName = (
  code: 'ENDPOINT_NOT_FOUND' | 'MODEL_NOT_FOUND',
  name: string,
  epoch: LiveEpoch,
): Refusal => {
  if (epoch.plan.unavailable.includes(name)) return notReady(name)
  const sent = decoded(name)
  const near = isModelName(sent) ? nearest(sent, [...epoch.endpoints.keys()]) : null
  const isSpelled = near === sent ? '; send it without percent-encoding.' : null
  const hint = isSpelled ?? (near === null ? '.' : `; did you mean '${near}'?`)
  const what =
    code === 'MODEL_NOT_FOUND'
      ? `Request for unknown model: ${quote(sent)} is not found`
      : `Unknown endpoint ${quote(sent)}`
  return refuse(code, `${what}${hint} Endpoints: ${endpointNames(epoch)}`)
}

/** The version that a path pins, as it stands there. The first words are Triton's. */
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
  const what = `Request for unknown model: '${endpoint.name}' version ${version} is not found`
  return refuse('VERSION_NOT_FOUND', `${what}. Served: ${listed(endpoint.pinned)}`)
}

/** What can be asked of a model, or of one of its versions. */
export interface ModelAction {
  readonly allow: Methods
  /** Absent: it is inference, whose paths are all compiled (routes.ts). */
  route?(endpoint: LiveEndpoint, pinned: LiveVariant | null): Route
}

/** An action that the protocol has and this server has not. */
export const absentAction = (format: WireFormat, allow: Methods, what: string): ModelAction => {
  const refusal = refuse('NOT_IMPLEMENTED', `This server does not have ${what}`)
  return { allow, route: () => refused(format, refusal) }
}

/** A path of the model `name`; `version` as it stands there, if it names one. */
export const modelRoute = (
  epoch: LiveEpoch,
  format: WireFormat,
  method: string,
  [name, version]: readonly [name: string, version: string | undefined],
  action: ModelAction,
): Route => {
  const endpoint = epoch.endpoints.get(name)
  if (endpoint === undefined) return refused(format, unknownName('MODEL_NOT_FOUND', name, epoch))
  const variant = version === undefined ? null : findVersion(endpoint, version)
  if (variant !== null && isRefusal(variant)) return refused(format, variant)
  const route = isAllowed(action.allow, method) ? action.route?.(endpoint, variant) : undefined
  return route ?? wrongMethod(format, method, action.allow)
}
