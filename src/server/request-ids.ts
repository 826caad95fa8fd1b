/** Which id of its client a request has. */

import { isEchoable } from '../shared/ids.ts'
import type { Exchange } from './exchange.ts'

/** The id of the head, if it may be echoed. */
export const idOfHead = ({ requestId }: Pick<Exchange, 'requestId'>): string | null =>
  isEchoable(requestId) ? requestId : null

/** The id that the client gave: that of the head, else that of the body. */
export const idOf = (headId: string | null, bodyId: string | null): string | null =>
  headId ?? (bodyId === '' ? null : bodyId)

/** The same for headers and logs, out of which a body's id is kept where it may not be echoed. */
export const safeId = (headId: string | null, id: string | null): string | null =>
  headId ?? (id !== null && isEchoable(id) ? id : null)
