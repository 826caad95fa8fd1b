/**
 * The paths under `/v1` beside inference: those of TensorFlow Serving (g3doc/api_rest.md), and what
 * KServe's first protocol adds. What is not supported of them is answered with 501. Paths are
 * compared as they were sent.
 */

import { modelStatus } from './documents.ts'
import type { LiveEpoch } from './live-epoch.ts'
import {
  absentAction,
  document,
  type Methods,
  type ModelAction,
  modelRoute,
  noSuchPath,
  type Route,
} from './route.ts'
import { TFS } from './wire-formats.ts'

const absent = (allow: Methods, what: string) =>
  absentAction(TFS, allow, `${what}: its models have :predict`)

/** What can be asked of a model: the last part of the path. */
const ACTIONS: Readonly<Record<string, ModelAction>> = {
  '': {
    allow: 'GET, HEAD',
    route: (endpoint, pinned) => document(() => modelStatus(endpoint, pinned), TFS),
  },
  ':predict': { allow: 'POST' },
  ':classify': absent('POST', 'classify'),
  ':regress': absent('POST', 'regress'),
  ':explain': absent('POST', 'explain'),
  '/metadata': absent('GET, HEAD', 'metadata'),
}

const LABELS = 'labels of versions; name the version'

const MODEL_PATH =
  /^\/v1\/models\/([^/:]+)(?:\/versions\/([^/:]+)|(\/labels\/[^/:]+))?(:predict|:classify|:regress|:explain|\/metadata)?$/

/** Route of a path under `/v1`, `method` HEAD counting as GET. */
export const tfsRoute = (epoch: LiveEpoch, method: string, path: string): Route => {
  const match = path.match(MODEL_PATH)
  if (match === null) return noSuchPath(TFS, path)
  const [, name = '', version, label, end = ''] = match
  const action = ACTIONS[end]!
  const asked = label === undefined ? action : absentAction(TFS, action.allow, LABELS)
  return modelRoute(epoch, TFS, method, [name, version], asked)
}
