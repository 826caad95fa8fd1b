/** The one port allocator of all tests. */

import { createServer, type ListenOptions, type Server } from 'node:net'

const LOWEST = 12_000
/** Below Linux' ephemeral range, so that no outgoing connection takes a port that was given out. */
const HIGHEST = 32_000

/** A listening server, or null when somebody else listens there. */
const tryListen = (options: ListenOptions): Promise<Server | null> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(null))
    server.listen({ ...options, exclusive: true }, () => resolve(server))
  })

/**
 * Keeps every other test process from getting this port between the look and the bind of whom it
 * is for. The name is an abstract socket of Linux: it leaves no file, and goes with this process.
 */
const reserve = async (port: number): Promise<boolean> => {
  const server = await tryListen({ path: `\0sluice-test-port-${port}` })
  server?.unref()
  return server !== null
}

/** Whether nobody listens: a bind without reuse fails beside every other listener. */
const isFree = async (port: number): Promise<boolean> => {
  const server = await tryListen({ port, host: '127.0.0.1' })
  await new Promise<void>((resolve) =>
    server === null ? resolve() : server.close(() => resolve()),
  )
  return server !== null
}

/** A port of the loopback interface that is free, and that no running test has been given. */
export const findFreePort = async (): Promise<number> => {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))
    if ((await reserve(port)) && (await isFree(port))) return port
  }
}
