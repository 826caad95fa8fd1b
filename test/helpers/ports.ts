/** The one port allocator of all tests. */

import { createServer } from 'node:net'

const LOWEST = 12_000
/** Below Linux' ephemeral range, so that no outgoing connection takes a port that was given out. */
const HIGHEST = 32_000

const given = new Set<number>()

/** Whether nobody listens: a bind without reuse fails beside every other listener. */
const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () =>
      server.close(() => resolve(true)),
    )
  })

/** A port of the loopback interface that is free and that this test file did not get before. */
export const findFreePort = async (): Promise<number> => {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    return port
  }
}
