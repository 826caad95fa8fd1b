/** A port that servers of node:net share by SO_REUSEPORT: bound, left, and taken again. */

import { type AddressInfo, Server } from 'node:net'
import { GatewayError } from '../shared/errors.ts'

export class SharedPort {
  readonly #server: Server
  #place: { readonly host: string; readonly port: number } | null = null
  #isBinding = false
  #isEnded = false

  constructor(server: Server) {
    this.#server = server
  }

  /** Gives the port (0 picks one), or rejects with PORT_IN_USE. */
  async listen(host: string, port: number): Promise<number> {
    await this.#bind(host, port)
    const bound = (this.#server.address() as AddressInfo).port
    this.#place = { host, port: bound }
    return bound
  }

  #bind(host: string, port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onListening = () => {
      this.#server.off('error', onError)
      resolve()
    }
    const onError = (cause: Error) => {
      this.#server.off('listening', onListening)
      reject(new GatewayError('PORT_IN_USE', `Cannot listen on ${host}:${port}`, { cause }))
    }
    this.#server.once('error', onError)
    this.#server.once('listening', onListening)
    this.#server.listen({ host, port, reusePort: true })
    return promise
  }

  get isAccepting(): boolean {
    return this.#server.listening
  }

  pause(): void {
    // Not the server's own `close`: that of HTTP would also close idle connections, under the
    // requests that their clients are just sending.
    Server.prototype.close.call(this.#server)
  }

  /** Where the port cannot be bound at once, `isAccepting` tells. */
  resume(): void {
    if (this.isAccepting || this.#isBinding || this.#place === null || this.#isEnded) return
    this.#isBinding = true
    const { host, port } = this.#place
    const onBound = () => {
      this.#isBinding = false
      // It may have ended meanwhile.
      if (this.#isEnded) this.pause()
    }
    this.#bind(host, port).then(onBound, onBound)
  }

  /** For good. */
  end(): void {
    this.#isEnded = true
    this.pause()
  }
}
