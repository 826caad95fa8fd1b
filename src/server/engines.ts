/** The engines of a data thread, HTTP and gRPC, as one: they open, close and drain together. */

import type { TlsMaterial } from '../shared/access-plan.ts'
import type { HttpEngine } from './exchange.ts'
import type { GrpcEngine } from './grpc/grpc-engine.ts'

export interface ListenPorts {
  readonly port: number
  /** null: gRPC is off. */
  readonly grpcPort: number | null
}

type Engine = Pick<HttpEngine, Exclude<keyof HttpEngine, 'name'>>

export class Engines {
  readonly #http: HttpEngine
  readonly #all: readonly Engine[]
  readonly #grpc: GrpcEngine | null

  constructor(http: HttpEngine, grpc: GrpcEngine | null) {
    this.#http = http
    this.#grpc = grpc
    this.#all = grpc === null ? [http] : [http, grpc]
  }

  get httpEngine(): HttpEngine['name'] {
    return this.#http.name
  }

  get underWay(): number {
    return this.#all.reduce((sum, { underWay }) => sum + underWay, 0)
  }

  /** @throws GatewayError CONFIG_INVALID, and those that come before have the certificate */
  secure(material: TlsMaterial): void {
    for (const engine of this.#all) engine.secure(material)
  }

  /** Rejects with PORT_IN_USE. */
  async listen(host: string, { port, grpcPort }: ListenPorts): Promise<void> {
    await this.#http.listen(host, port)
    if (grpcPort !== null) await this.#grpc?.listen(host, grpcPort)
  }

  get isAccepting(): boolean {
    return this.#all.every(({ isAccepting }) => isAccepting)
  }

  pauseAccepting(): void {
    for (const engine of this.#all) engine.pauseAccepting()
  }

  resumeAccepting(): void {
    for (const engine of this.#all) engine.resumeAccepting()
  }

  stopAccepting(): void {
    for (const engine of this.#all) engine.stopAccepting()
  }

  /** Whether the thread is ready may have changed. */
  onReadiness(): void {
    this.#grpc?.onReadiness()
  }

  close(): void {
    for (const engine of this.#all) engine.close()
  }
}
