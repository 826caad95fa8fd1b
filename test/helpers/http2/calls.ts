/** Calls of gRPC whose bytes the test writes itself, over node:http2, which reads what comes. */

import { type ClientHttp2Session, connect } from 'node:http2'
import { atEnd } from '../clean-up.ts'
import { INFER_PATH } from './frames.ts'

export interface RawEnd {
  /** `grpc-status`; null: the stream ended without. */
  readonly status: number | null
  readonly message: string
  readonly trailers: ReadonlyMap<string, string>
  readonly bytes: Buffer
}

export const openSession = (port: number): ClientHttp2Session => {
  // Beyond its memory a session of Node refuses its own calls.
  const session = connect(`http://127.0.0.1:${port}`, { maxSessionMemory: 1000 })
  session.on('error', () => {}) // streams tell of it
  atEnd(() => session.destroy())
  return session
}

const stringsOf = (fields: object): ReadonlyMap<string, string> =>
  new Map(Object.entries(fields).map(([name, value]) => [name, String(value)]))

/** Sends the pieces as the body of one call. `isEnded`: and ends it. */
export const rawCall = (
  session: ClientHttp2Session,
  pieces: readonly Uint8Array[],
  fields: Readonly<Record<string, string>> = {},
  isEnded = true,
): Promise<RawEnd> =>
  new Promise((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': INFER_PATH,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...fields,
    })
    let trailers: ReadonlyMap<string, string> = new Map()
    const chunks: Buffer[] = []
    // A refusal without an answer has its status in the only headers that come.
    stream.on('response', (received) => {
      if ('grpc-status' in received) trailers = stringsOf(received)
    })
    stream.on('trailers', (received) => {
      trailers = stringsOf(received)
    })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', () => {}) // a reset: `close` follows
    const onEnd = (): void => {
      const status = trailers.get('grpc-status')
      resolve({
        status: status === undefined ? null : Number(status),
        message: trailers.get('grpc-message') ?? '',
        trailers,
        bytes: Buffer.concat(chunks),
      })
    }
    // The server may have said all while we have not.
    stream.on('end', () => {
      onEnd()
      stream.close()
    })
    stream.on('close', onEnd)
    for (const piece of pieces) stream.write(piece)
    if (isEnded) stream.end()
  })
