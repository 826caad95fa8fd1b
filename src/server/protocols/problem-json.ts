/** RFC 9457 `application/problem+json`, the error form of `/predict` and of unknown paths. */

import type { Refusal } from '../../shared/errors.ts'
import { PROBLEM_TYPE, problemJson } from '../../shared/problem.ts'
import type { EncodedError } from './protocol.ts'

export const encodeProblem = (refusal: Refusal, requestId: string): EncodedError => ({
  contentType: PROBLEM_TYPE,
  body: problemJson(refusal, { requestId }),
})
