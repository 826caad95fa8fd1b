/**
 * The gRPC engine of one data thread, the counterpart of `HttpEngine`: a port, which it shares with
 * other threads. What speaks gRPC is loaded for the first connection: it takes 80 ms and some MB of
 * each thread, which nobody pays who is not asked.
 */

import type { Socket } from 'node:net'
import type { TlsMaterial } from '../../shared/access-plan.ts'
import { GrpcListener } from './grpc-listener.ts'
import type { GrpcEngineOptions } from './grpc-options.ts'
import type { GrpcServer } from './grpc-server.ts'

export class GrpcEngine {
  readonly #options: GrpcEngineOptions
  /** null: it wants a certificate first. */
  #listener: GrpcListener | null
  #loading: Promise<void> | null = null
  #server: GrpcServer | null = null
  #isDraining = false

  constructor(options: GrpcEngineOptions) {
    this.#options = options
    this.#listener = options.isTls ? null : this.#newListener(null)
  }

  #newListener(material: TlsMaterial | null): GrpcListener {
    const { onConnections, limits } = this.#options
    const onSocket = (socket: Socket): void => this.#onSocket(socket)
    return new GrpcListener({ onConnections, onSocket }, material, limits.isMutualTls)
  }

  /** What comes of a socket that waits for the server is kept by it. */
  #onSocket(socket: Socket): void {
    if (this.#server !== null) {
      this.#server.take(socket)
      return
    }
    this.#loading ??= this.#load()
    this.#loading.then(
      () => this.#server!.take(socket),
      (thrown: unknown) => {
        this.#loading = null
        socket.destroy()
        this.#options.onFault(thrown)
      },
    )
  }

  async #load(): Promise<void> {
    const { GrpcServer } = await import('./grpc-server.ts')
    this.#server = new GrpcServer(this.#options)
    if (this.#isDraining) this.#server.drain()
  }

  /** Requests without an answer that has left. */
  get underWay(): number {
    return this.#server?.underWay ?? 0
  }

  /** Calls that have not ended. */
  get calls(): number {
    return this.#server?.calls ?? 0
  }

  /** Bytes of answers that wait for their readers. */
  get unsentBytes(): number {
    return this.#server?.unsent.sumBytes ?? 0
  }

  /** As `HttpEngine.secure`. */
  secure(material: TlsMaterial): void {
    if (this.#listener === null) this.#listener = this.#newListener(material)
    else this.#listener.secure(material)
  }

  /** As `HttpEngine.listen`. */
  listen(host: string, port: number): Promise<number> {
    return this.#listener!.port.listen(host, port)
  }

  get isAccepting(): boolean {
    return this.#listener?.port.isAccepting ?? false
  }

  pauseAccepting(): void {
    this.#listener?.port.pause()
  }

  resumeAccepting(): void {
    this.#listener?.port.resume()
  }

  /** Whether the thread is ready may have changed. */
  onReadiness(): void {
    this.#server?.onReadiness()
  }

  /** Accepts no new connections, and has clients go behind what is under way. */
  stopAccepting(): void {
    this.#isDraining = true
    this.#listener?.port.end()
    this.#server?.drain()
  }

  /** Closes everything at once. */
  close(): void {
    this.#listener?.port.end()
    this.#listener?.destroyAll()
    this.#server?.close()
  }
}
