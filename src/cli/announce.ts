/** Saying that the gateway serves: a banner on a terminal, else one line of JSON. */

import { type GatewayFacts, gatewayModels, gatewayStatus } from '../control/api/gateway-status.ts'
import type { Gateway } from '../control/gateway.ts'
import { type Clock, delay } from '../shared/clock.ts'
import { createLogger } from '../shared/logger.ts'
import {
  exampleOf,
  metricsUrl,
  modelLines,
  predictUrl,
  type RecordsFacts,
  renderBanner,
} from './banner.ts'
import { print } from './output.ts'
import { formatUrl, grpcAddress } from './url.ts'

/** The longest silence while versions are still being proved. */
const SILENCE_MS_MAX = 5000

export interface Announcement {
  readonly gateway: Gateway
  readonly clock: Clock
  readonly stateDir: string
  readonly records: RecordsFacts | null
  readonly controlHost: string
  readonly onnxRuntime: string
  facts(): GatewayFacts
}

/** The facts of the banner, for programs. */
const ready = (
  { gateway, stateDir, records, controlHost, onnxRuntime, facts }: Announcement,
  readyMs: number,
): object => {
  const status = gatewayStatus(gateway, facts())
  const { httpPort, grpcPort, controlPort, metricsListen, epoch, reasons, warnings, replicas } =
    status
  return {
    event: status.ready ? 'ready' : 'not_ready',
    ...(status.ready ? { readyMs: Math.round(readyMs) } : { reasons }),
    predict: predictUrl(status),
    grpc: grpcAddress(status),
    control: formatUrl(controlHost, controlPort),
    metrics: metricsUrl(status, controlHost),
    ...{ httpPort, grpcPort, controlPort, metricsListen, epoch, stateDir },
    records: records?.path ?? null,
    models: modelLines(gatewayModels(gateway), status),
    replicas: replicas.length,
    node: process.versions.node,
    onnxRuntime,
    warnings,
  }
}

const say = async (announcement: Announcement): Promise<void> => {
  const { gateway, clock, stateDir, records, controlHost, onnxRuntime, facts } = announcement
  await gateway.figures.refresh()
  if (gateway.isDraining) return
  const { startedMonotonicMs } = facts()
  const readyMs = clock.monotonic() - startedMonotonicMs
  if (!process.stdout.isTTY) {
    // Whatever `log.level` is: who started this waits for it.
    const logger = createLogger({ level: 'info', component: 'control' })
    const line = ready(announcement, readyMs)
    logger.info(line, gateway.unreadyReasons().length === 0 ? 'ready' : 'not ready')
    return
  }
  const status = gatewayStatus(gateway, facts())
  const banner = {
    ...{ readyMs, onnxRuntime, stateDir, records, controlHost },
    node: process.versions.node,
    pid: process.pid,
    example: exampleOf(status, gateway.publisher.plan?.versions ?? []),
  }
  print(renderBanner(status, gatewayModels(gateway), banner))
}

/**
 * Says that it is ready; or, when that takes long or cannot be, what is lacking, and again when it
 * is ready after all.
 */
export const announce = async (announcement: Announcement): Promise<void> => {
  const { gateway, clock } = announcement
  const isReady = gateway.whenReady()
  await Promise.race([isReady, gateway.whenSettled(), delay(clock, SILENCE_MS_MAX)])
  const wasReady = gateway.unreadyReasons().length === 0
  await say(announcement)
  if (wasReady) return
  await isReady
  await say(announcement)
}
