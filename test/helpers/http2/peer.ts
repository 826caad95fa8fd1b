/** One end of a connection that speaks HTTP/2 frame by frame, as well or as badly as it is told. */

import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { atEnd } from '../clean-up.ts'
import { until } from '../until.ts'
import { FLAG, FRAME, type Frame, PREFACE, settings, settingsAck, takeFrames } from './frames.ts'

export interface PeerOptions {
  /** Settings that it begins with. */
  readonly settings?: readonly (readonly [id: number, value: number])[]
  /** Whether it reads what comes. Default true. */
  readonly isReading?: boolean
  readonly isTls?: boolean
}

export class Http2Peer {
  readonly socket: Socket
  /** Everything that came, but payloads of DATA. */
  readonly frames: Frame[] = []
  isClosed = false
  /** Payload bytes of DATA frames. */
  dataBytes = 0
  /** Settings of the server are acknowledged as they come. */
  isGreeted = false
  #rest: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket, isReading: boolean) {
    this.socket = socket
    socket.on('error', () => {}) // a reset: `close` follows
    socket.on('close', () => {
      this.isClosed = true
    })
    if (isReading) socket.on('data', (piece: Buffer) => this.#take(piece))
    atEnd(() => void socket.destroy())
  }

  /** Connects and says nothing. */
  static async dial(port: number, options: PeerOptions = {}): Promise<Http2Peer> {
    const { isReading = true, isTls = false } = options
    const socket = await new Promise<Socket>((resolve, reject) => {
      const raw = connect({ port, host: '127.0.0.1', noDelay: true })
      const made = isTls
        ? connectTls({ socket: raw, rejectUnauthorized: false, ALPNProtocols: ['h2'] })
        : raw
      made.once('error', reject)
      made.once(isTls ? 'secureConnect' : 'connect', () => resolve(made))
    })
    return new Http2Peer(socket, isReading)
  }

  /** Connects and greets. */
  static async open(port: number, options: PeerOptions = {}): Promise<Http2Peer> {
    const peer = await Http2Peer.dial(port, options)
    peer.isGreeted = true
    peer.send(PREFACE, settings(...(options.settings ?? [])))
    return peer
  }

  send(...pieces: Uint8Array[]): void {
    if (this.socket.writable) this.socket.write(Buffer.concat(pieces))
  }

  /** Sends on as long as it is let, and waits where the server does not read. */
  async pour(piece: Uint8Array, times: number): Promise<void> {
    for (let i = 0; i < times && this.socket.writable; i++) {
      if (this.socket.write(piece)) continue
      await until(() => this.isClosed || this.socket.writableLength === 0, {
        what: 'the server to read or close',
        timeoutMs: 20_000,
        everyMs: 1,
      })
    }
  }

  /** Why the server said goodbye; null: it did not. */
  get goAwayCode(): number | null {
    const [last] = this.of(FRAME.goAway).toReversed()
    return last === undefined ? null : last.payload.readUInt32BE(4)
  }

  /** Frames of a type, of one stream or of all. */
  of(type: number, stream?: number): readonly Frame[] {
    return this.frames.filter(
      (frame) => frame.type === type && (stream === undefined || frame.stream === stream),
    )
  }

  /** Whether the server is done with a stream: it has ended or was reset. */
  hasEnded(stream: number): boolean {
    return this.frames.some(
      (frame) =>
        frame.stream === stream &&
        (frame.type === FRAME.reset ||
          ((frame.type === FRAME.headers || frame.type === FRAME.data) &&
            (frame.flags & FLAG.endStream) !== 0)),
    )
  }

  /** Whether the server wants no more of it: it has closed, or said so. */
  get isDropped(): boolean {
    return this.isClosed || this.goAwayCode !== null
  }

  untilClosed(timeoutMs = 20_000): Promise<unknown> {
    return until(() => this.isClosed, { what: 'the server to close', timeoutMs })
  }

  #take(piece: Buffer): void {
    const { frames, rest } = takeFrames(Buffer.concat([this.#rest, piece]))
    this.#rest = Buffer.from(rest)
    for (const frame of frames) {
      const isSettings = frame.type === FRAME.settings && (frame.flags & FLAG.ack) === 0
      if (isSettings && this.isGreeted) this.send(settingsAck)
      if (frame.type !== FRAME.data)
        this.frames.push({ ...frame, payload: Buffer.from(frame.payload) })
      else {
        this.dataBytes += frame.payload.length
        this.frames.push({ ...frame, payload: Buffer.alloc(0) })
      }
    }
  }
}
