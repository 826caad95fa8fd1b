/** Clients that send a part of a request, or all of it, and go at any moment. */

import { connect, type Socket } from 'node:net'
import type { Random } from './fuzz/random.ts'

const AT_ONCE = 32

/** Sends a part of `message`, or all, and goes: at once, or when the first byte has come back. */
const abort = (port: number, message: string, random: Random): Promise<void> =>
  new Promise((resolve) => {
    const sent = random.once(3) ? message : message.slice(0, random.below(message.length))
    const isPatient = sent === message && random.once(2)
    const go = (socket: Socket) => (random.once(2) ? socket.resetAndDestroy() : socket.destroy())
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', () => {}) // reset by the server
    socket.once('close', () => resolve())
    socket.once('data', () => go(socket))
    socket.write(sent === '' ? 'P' : sent, () => {
      if (!isPatient) go(socket)
    })
  })

/** `count` clients, some at once; `messageOf` makes a whole request of each. */
export const abortMany = async (
  port: number,
  count: number,
  random: Random,
  messageOf: (random: Random) => string,
): Promise<void> => {
  let left = count
  const clients = Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) await abort(port, messageOf(random), random)
  })
  await Promise.all(clients)
}
