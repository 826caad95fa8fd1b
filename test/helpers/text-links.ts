/** Two ends of a real Unix socket, and the simplest codec: JSON text. */

import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Codec } from '../../src/shared/link.ts'
import { atEnd } from './clean-up.ts'
import { makeTempDir } from './temp-dir.ts'

/** Messages as `[call, answers, text]` in JSON. */
export const textCodec: Codec<string> = {
  encode: (call, answers, body) =>
    new TextEncoder().encode(JSON.stringify([String(call), String(answers), body])),
  decode: (bytes) => {
    const [call, answers, body] = JSON.parse(new TextDecoder().decode(bytes)) as string[]
    return { call: BigInt(call!), answers: BigInt(answers!), body: body! }
  },
}

/** One frame around a text message. */
export const frameOf = (message: Uint8Array): Uint8Array => {
  const frame = new Uint8Array(4 + message.length)
  new DataView(frame.buffer).setUint32(0, message.length, true)
  frame.set(message, 4)
  return frame
}

/** A connected pair of sockets; both are destroyed when the test ends. */
export const socketPair = async (): Promise<{ near: Socket; far: Socket }> => {
  const path = join(makeTempDir('pair'), 's')
  const server = createServer()
  const sockets: Socket[] = []
  atEnd(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const near = connect(path)
  sockets.push(near)
  const far = await accepted
  sockets.push(far)
  return { near, far }
}
