/** Looking whether a socket file has an owner that lives. */

import { connect } from 'node:net'

/** What connecting says when nobody listens. */
const UNANSWERED = new Set(['ENOENT', 'ENOTDIR', 'ENOTSOCK', 'ECONNREFUSED'])

/**
 * Whether somebody accepts connections on a socket file, also one in another container. A doubt (a
 * full backlog) counts as yes: nobody is then robbed by mistake.
 */
export const isAnswered = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => resolve(!UNANSWERED.has(code)))
  })
