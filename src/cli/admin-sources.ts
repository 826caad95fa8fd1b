/** What the control server is asked for, and where the answers come from. */

import type { AdminSources } from '../control/api/admin-api.ts'
import { type GatewayFacts, gatewayModels, gatewayStatus } from '../control/api/gateway-status.ts'
import { MetricsPage } from '../control/figures/metrics.ts'
import type { Gateway } from '../control/gateway.ts'
import type { Records } from '../control/records/records.ts'
import type { Tracing } from '../control/tracing/tracing.ts'
import type { Logger } from '../shared/logger.ts'

interface Sources {
  readonly gateway: Gateway
  readonly tracing: Tracing | null
  readonly records: Records
}

export const adminSources = (
  { gateway, tracing, records }: Sources,
  facts: () => GatewayFacts,
  onnxRuntimeVersion: string,
  logger: Logger,
): AdminSources => {
  const page = new MetricsPage()
  return {
    models: async () => {
      await gateway.figures.refresh()
      return gatewayModels(gateway)
    },
    restart: () => gateway.supervisor.restart(),
    status: async () => {
      await gateway.figures.refresh()
      return gatewayStatus(gateway, facts())
    },
    readiness: () => {
      const reasons = gateway.unreadyReasons()
      return { endpoints: reasons.length === 0 ? null : reasons.join('; ') }
    },
    metrics: async (format) => {
      const context = {
        snapshot: await gateway.figures.refresh(),
        models: gatewayModels(gateway),
        epoch: gateway.publisher.plan?.epoch ?? 0,
        epochChanges: gateway.publisher.changes,
        onnxRuntimeVersion,
        certificateExpiresMs: facts().certificateExpiresMs,
        startedAtMs: facts().startedAtMs,
        unloads: gateway.versions,
        recycled: gateway.recycler.counts,
        traces: tracing?.counts ?? null,
        records: records.view(),
        nowMs: facts().clock.now(),
        replicas: gateway.supervisor.states().map(({ index, state, restarts }) => ({
          index,
          isConnected: state === 'connected',
          restarts,
        })),
      }
      return page.render(context, format)
    },
    onFault: (error, path) =>
      logger.error({ event: 'control_api_fault', path, error }, 'a request met a fault'),
  }
}
