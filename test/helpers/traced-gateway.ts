/** Gateways whose traces go to a collector, and requests that say which trace they are of. */

import { randomBytes } from 'node:crypto'
import { type GatewayOptions, startGateway } from './gateway.ts'
import { identity } from './models.ts'
import { makeRepository } from './repository.ts'

export const tracedModel = () => makeRepository({ 'm/1/model.onnx': identity('FP32') })

/** Of 1 replica x 1 thread with one model, unless told otherwise; it exports at once. */
export const startTraced = (url: string, { env = {}, ...more }: GatewayOptions = {}) =>
  startGateway({
    ...{ repository: more.repository ?? tracedModel(), replicas: 1, threads: 1, ...more },
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_SCHEDULE_DELAY: '20', ...env },
  })

export const CALLER = 'b7ad6b7169203331'

/** A new trace of a caller that keeps its spans, or as `flags` say. */
export const traceContext = (flags = '01') => {
  const traceId = randomBytes(16).toString('hex')
  return { traceId, headers: { traceparent: `00-${traceId}-${CALLER}-${flags}` } }
}
