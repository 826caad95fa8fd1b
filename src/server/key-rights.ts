/**
 * What a request needs a key for, by its path alone. Whoever adds a path that names an endpoint
 * adds it here; any other needs a key that may ask all of them.
 */

/** The name of an endpoint, or one of the words below. */
export type Needed =
  | string
  | typeof NO_KEY
  | typeof DEFAULT_ENDPOINT
  | typeof ALL_ENDPOINTS
  | typeof SOME_ENDPOINT

/** Anybody may ask. */
export const NO_KEY = 0
/** The endpoint that answers where none is named. */
export const DEFAULT_ENDPOINT = 1
/** What is about all endpoints, and what is not known. */
export const ALL_ENDPOINTS = 2

/** Any key will do: the body says which endpoints it is about (feedback-requests.ts). */
export const SOME_ENDPOINT = 3

/** Health says nothing of models, and whoever asks for it has no keys. */
const OPEN: ReadonlySet<string> = new Set([
  ...['/livez', '/readyz', '/v2/health/live', '/v2/health/ready'],
])

const PREDICT = '/predict/'
const OIP_MODELS = '/v2/models/'
const TFS_MODELS = '/v1/models/'

/** Of all models, unless one is called so (oip-routes.ts): then as well, to be safe. */
const ALL_STATISTICS = '/v2/models/stats'

const upTo = (path: string, from: number, end: RegExp): string => {
  const rest = path.slice(from)
  const length = rest.search(end)
  return length < 0 ? rest : rest.slice(0, length)
}

/** `path` as sent: like the routes, nothing is decoded here. */
export const neededFor = (path: string): Needed => {
  if (path.startsWith(PREDICT)) return path.slice(PREDICT.length)
  if (path === '/predict') return DEFAULT_ENDPOINT
  if (path.startsWith(OIP_MODELS)) {
    return path === ALL_STATISTICS ? ALL_ENDPOINTS : upTo(path, OIP_MODELS.length, /\//)
  }
  if (path.startsWith(TFS_MODELS)) return upTo(path, TFS_MODELS.length, /[/:]/)
  if (path === '/feedback') return SOME_ENDPOINT
  return OPEN.has(path) ? NO_KEY : ALL_ENDPOINTS
}
