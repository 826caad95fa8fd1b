/**
 * The paths under `/v1` beside inference: those of TensorFlow Serving (g3doc/api_rest.md). What is
 * not supported of them is answered with 501. Paths are compared as they were sent.
 */

import { isRefusal, refuse } from '../shared/errors.ts'
import { modelStatus } from './documents.ts'
import type { LiveEpoch } from './live-epoch.ts'
import {
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
import { TFS } from './wire-formats.ts'

/** What TensorFlow Serving has of a model and this server has not. */
const ABSENT_ACTIONS: Readonly<Record<string, Methods>> = {
  ':classify': 'POST',
  ':regress': 'POST',
  '/metadata': 'GET, HEAD',
}

const MODEL_PATH =
  /^\/v1\/models\/([^/:]+)(?:\/versions\/([^/:]+))?(:predict|:classify|:regress|\/metadata)?$/

/** Route of a path under `/v1`, `method` HEAD counting as GET. */
export const tfsRoute = (epoch: LiveEpoch, method: string, path: string): Route => {
  const match = path.match(MODEL_PATH)
  if (match === null) return noSuchPath(TFS, path)
  const [, name = '', version, action = ''] = match
  const endpoint = epoch.endpoints.get(name)
  if (endpoint === undefined) return refused(TFS, unknownName('MODEL_NOT_FOUND', name, epoch))
  const variant = version === undefined ? null : findVersion(endpoint, version)
  if (variant !== null && isRefusal(variant)) return refused(TFS, variant)
  if (action === ':predict') return wrongMethod(TFS, method, 'POST')
  const allow = ABSENT_ACTIONS[action] ?? 'GET, HEAD'
  if (!isAllowed(allow, method)) return wrongMethod(TFS, method, allow)
  if (action === '') return document(() => modelStatus(endpoint, variant), TFS)
  const detail = `This server does not have ${action.slice(1)}: its models have :predict`
  return refused(TFS, refuse('NOT_IMPLEMENTED', detail))
}
