/** A request as it is sent, formatted once. */

import type { Target } from './load.ts'

export const formatRequest = (target: Target): Buffer =>
  Buffer.from(
    `POST ${target.path} HTTP/1.1\r\nhost: 127.0.0.1:${target.port}\r\n` +
      target.headers.map((line) => `${line}\r\n`).join('') +
      `content-length: ${target.body.length}\r\n\r\n${target.body}`,
    'latin1',
  )
