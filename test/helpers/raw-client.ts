/** An HTTP client that sends exactly the bytes it is given, in the pieces it is given. */

import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { atEnd } from './clean-up.ts'

export interface RawAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** The same as it was sent. */
  readonly bytes: Uint8Array
}

/** What came of a connection on which everything was sent and our side then closed. */
export interface Outcome {
  /** Statuses of the answers in order, 1xx left out. */
  readonly statuses: readonly number[]
  readonly text: string
}

const HEAD_END = '\r\n\r\n'

/**
 * Lets everything that has arrived be read. Client and server share the event loop, and what is
 * written to the loopback is there at once: after two turns the server has seen it.
 */
export const turns = async (count = 2): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

export class RawClient {
  readonly socket: Socket
  readonly #raw: Socket
  /** Resolves when the connection is gone, however it went. */
  readonly closed: Promise<void>
  isClosed = false
  #received = ''
  /** All that was ever received. */
  everything = ''
  #wake = () => {}

  /** `raw`: below TLS. */
  constructor(socket: Socket, raw = socket) {
    this.#raw = raw
    this.socket = socket.setNoDelay(true)
    socket.on('data', (piece) => {
      this.#received += piece.toString('latin1')
      this.everything += piece.toString('latin1')
      this.#wake()
    })
    socket.on('error', () => {}) // a reset: `close` follows
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.isClosed = true
        this.#wake()
        resolve()
      })
    })
    atEnd(() => void socket.destroy())
  }

  /** Over TLS, if asked for, whatever the certificate is. */
  static open(port: number, isTls = false, host = '127.0.0.1'): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const raw = connect({ port, host })
      const socket = isTls ? connectTls({ socket: raw, rejectUnauthorized: false }) : raw
      socket.once('error', reject)
      const event = isTls ? 'secureConnect' : 'connect'
      socket.once(event, () => resolve(new RawClient(socket, raw)))
    })
  }

  /** Goes without a word. */
  reset(): void {
    this.#raw.resetAndDestroy()
  }

  /** Everything received and not yet taken by `answer`. */
  get received(): string {
    return this.#received
  }

  /** Sends the pieces so that the server reads them one by one. */
  async send(...pieces: (string | Uint8Array)[]): Promise<void> {
    for (const piece of pieces) {
      this.socket.write(piece)
      await turns()
    }
  }

  /** The next answer, 1xx included. Without content-length its body goes up to the close. */
  async answer(isHead = false): Promise<RawAnswer> {
    await this.#until(() => this.#received.includes(HEAD_END))
    const headEnd = this.#received.indexOf(HEAD_END)
    const [statusLine = '', ...lines] = this.#received.slice(0, headEnd).split('\r\n')
    this.#received = this.#received.slice(headEnd + HEAD_END.length)
    const headers = new Map(lines.map(nameAndValue))
    const status = Number(statusLine.split(' ')[1])
    const declared = headers.get('content-length')
    const isBodiless = isHead || status < 200 || status === 204 || status === 304
    const length = isBodiless ? 0 : Number(declared ?? Number.POSITIVE_INFINITY)
    await this.#until(() => this.#received.length >= length)
    const bytes = Buffer.from(this.#received.slice(0, length), 'latin1')
    this.#received = this.#received.slice(length)
    return { status, headers, body: bytes.toString(), bytes }
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.isClosed) {
        if (this.#received !== '') return
        throw new Error('The server closed the connection without an answer')
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

const nameAndValue = (line: string): [string, string] => {
  const colonAt = line.indexOf(':')
  return [line.slice(0, colonAt).toLowerCase(), line.slice(colonAt + 1).trim()]
}

/** Sends the pieces on a new connection, closes our side and waits for the server's. */
export const outcomeOf = async (
  port: number,
  ...pieces: (string | Uint8Array)[]
): Promise<Outcome> => outcomeOn(await RawClient.open(port), ...pieces)

/** The same on a connection that is open. */
export const outcomeOn = async (
  client: RawClient,
  ...pieces: (string | Uint8Array)[]
): Promise<Outcome> => {
  await client.send(...pieces)
  client.socket.end()
  await client.closed
  const text = client.received
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
  return { statuses: statuses.filter((status) => status >= 200), text }
}
