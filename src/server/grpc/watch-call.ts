/** `grpc.health.v1.Health/Watch`: how a service is, now and whenever that changes. */

import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  HealthCheckResponse_ServingStatus as Health,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
} from '../../../proto/gen/health_pb.ts'
import { isRefusal, type Refusal, refuse } from '../../shared/errors.ts'
import { endpointPath, WHOLE_SERVER } from './methods.ts'
import { StreamCall } from './stream-call.ts'
import { refusedStatus } from './wire-status.ts'

const MALFORMED = refuse('REQUEST_MALFORMED', 'The message is no HealthCheckRequest, or one of two')

const TOO_MANY = refuse('QUEUE_FULL', 'Too many watch already')

export class WatchCall extends StreamCall {
  readonly isOpen = true
  /** null: its request has not come. */
  #service: string | null = null
  #told: Health | null = null

  override onBegin(): void {
    super.onBegin()
    this.engine.awaits(this)
  }

  onRequestMessage(content: Uint8Array): void {
    this.answered()
    const service = serviceOf(content)
    if (service === null || this.#service !== null) {
      this.refuseWhole(MALFORMED)
      return
    }
    const denial = this.engine.mayWatch ? this.#denial(service) : TOO_MANY
    if (denial !== null) {
      this.refuseWhole(denial)
      return
    }
    this.#service = service
    this.onReadiness()
  }

  #denial(service: string): Refusal | null {
    const { gate } = this.engine.options
    if (!gate.isClosed || WHOLE_SERVER.has(service)) return null
    const path = endpointPath(service)
    const admitted = gate.admit(path, this.header('authorization'), this.header('x-api-key'))
    return admitted !== null && isRefusal(admitted) ? admitted : null
  }

  /** To be called whenever an epoch has changed, or the gateway drains. */
  onReadiness(): void {
    if (this.#service === null || this.isEnded || this.isReceived) return
    const health = this.#health(this.#service)
    if (health === this.#told) return
    this.#told = health
    this.write(
      toBinary(HealthCheckResponseSchema, create(HealthCheckResponseSchema, { status: health })),
    )
  }

  #health(service: string): Health {
    const { isReady, isEndpointReady } = this.engine.options
    const isServing = WHOLE_SERVER.has(service) ? isReady() : isEndpointReady(service)
    if (isServing === null) return Health.SERVICE_UNKNOWN
    return isServing ? Health.SERVING : Health.NOT_SERVING
  }

  /** A client that has said what it wants listens on. */
  override onComplete(): void {
    if (this.#service === null) this.refuseWhole(MALFORMED)
  }

  refuseWhole(refusal: Refusal): void {
    this.end(refusedStatus(refusal))
  }
}

const serviceOf = (message: Uint8Array): string | null => {
  try {
    return fromBinary(HealthCheckRequestSchema, message).service
  } catch {
    return null
  }
}
