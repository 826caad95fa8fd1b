/** `sluice serve`: builds the control process, in start order: the one file that knows all. */

import { closeSync, openSync } from 'node:fs'
import type { SluiceConfig } from '../config/config.ts'
import { type LoadOptions, type LoadResult, loadConfig } from '../config/load.ts'
import { repositoryParsers } from '../config/parsers.ts'
import { formatProblem } from '../config/problems.ts'
import { type AdminSources, createAdminApi } from '../control/admin-api.ts'
import { Catalog } from '../control/catalog.ts'
import { Gateway } from '../control/gateway.ts'
import { type GatewayFacts, gatewayStatus } from '../control/gateway-status.ts'
import { MetricsPage } from '../control/metrics.ts'
import { findFreePort, guardPort } from '../control/port-guard.ts'
import { Prover, type ProvingLimits } from '../control/prover.ts'
import { findLivingReplicas } from '../control/replica-files.ts'
import { openStateDir, type StateDir } from '../control/state-dir.ts'
import { Statistics } from '../control/statistics.ts'
import { modelsDocument } from '../control/status.ts'
import { Supervisor } from '../control/supervisor.ts'
import { scanRepository } from '../registry/folder.ts'
import { systemClock } from '../shared/clock.ts'
import type { ReplicaSettings } from '../shared/epoch-plan.ts'
import { GatewayError } from '../shared/errors.ts'
import { createLogger, type Logger } from '../shared/logger.ts'
import { packageVersion } from '../shared/package-version.ts'
import { renderBanner } from './banner.ts'
import { complain, EXIT, print } from './output.ts'

const ONNX_RUNTIME = packageVersion('onnxruntime-node')

const replicaSettings =
  (config: SluiceConfig, stateDir: StateDir, httpPort: number) =>
  (replica: number, incarnation: number): ReplicaSettings => ({
    stateDir: stateDir.path,
    socketPath: stateDir.socketPath,
    gateway: stateDir.gateway,
    replica,
    incarnation,
    threads: config.server.threads,
    host: config.server.host,
    httpPort,
    httpEngine: config.server.http,
    limits: config.limits,
    controlAbsenceMsMax: config.controlAbsenceMax * 1000,
    drainMsMax: config.server.drainSecondsMax * 1000,
    watchdog: {
      reportMs: config.watchdog.reportSeconds * 1000,
      idleMsMax: config.watchdog.idleSecondsMax * 1000,
      runMsMax: config.watchdog.executionTimeoutSeconds * 1000,
      loadMsMax: config.watchdog.loadSecondsMax * 1000,
    },
  })

/** The port of all replicas: that of living ones if it will do, else one that nobody owns. */
const choosePort = async (config: SluiceConfig, stateDir: StateDir): Promise<number> => {
  const { host, httpPort } = config.server
  const living = findLivingReplicas(stateDir.runPath).map(({ settings }) => settings.httpPort)
  if (httpPort === 0) return living[0] ?? findFreePort(host)
  if (!living.includes(httpPort)) await guardPort(host, httpPort)
  return httpPort
}

const provingLimits = ({ proving }: SluiceConfig): ProvingLimits => ({
  timeoutMs: proving.timeoutSeconds * 1000,
  memoryBytesMax: proving.memoryBytesMax,
  rowsMax: proving.rowsMax,
})

const buildGateway = (
  config: SluiceConfig,
  stateDir: StateDir,
  httpPort: number,
  logger: Logger,
): { gateway: Gateway; prover: Prover } => {
  const clock = systemClock
  const prover = new Prover({
    provenPath: stateDir.provenPath,
    provingPath: stateDir.provingPath,
    limits: provingLimits(config),
    ortVersion: ONNX_RUNTIME,
    clock,
    logger,
  })
  const catalog = new Catalog((model, { modelFile, manifest, exampleRow }) => {
    const { maxBatchSize } = model.config
    return prover.prove({ modelFile, manifest, exampleRow, maxBatchSize })
  })
  const gateway = new Gateway({
    catalog,
    stateDir,
    statistics: new Statistics(clock),
    clock,
    logger,
    defaultEndpoint: config.defaultEndpoint,
    scan: () => scanRepository(config.modelRepository, repositoryParsers),
    makeSupervisor: (handlers) =>
      new Supervisor({
        stateDir,
        replicas: config.server.replicas,
        clock,
        logger,
        handlers,
        settingsFor: replicaSettings(config, stateDir, httpPort),
      }),
  })
  return { gateway, prover }
}

/** A body that the default endpoint answers: the example row of the version that serves it. */
const exampleBody = (gateway: Gateway): string | null => {
  const { plan } = gateway.epochs
  const endpoint = plan?.endpoints[0]
  const version = endpoint?.variants[0]?.version
  const planned = plan?.versions.find(
    (each) => each.model === endpoint?.model && each.version === version,
  )
  return planned?.exampleRow ? JSON.stringify({ features: planned.exampleRow }) : null
}

/** What the control server is asked for, and where the answers come from. */
const adminSources = (parts: RunningParts, logger: Logger): AdminSources => {
  const { gateway, facts } = parts
  const page = new MetricsPage()
  const models = () => modelsDocument(gateway.catalog.models, gateway.epochs.plan)
  return {
    models,
    status: async () => {
      await gateway.refreshStatistics()
      return gatewayStatus(gateway, models(), facts())
    },
    readiness: () => {
      const reasons = gateway.unreadyReasons()
      return { endpoints: reasons.length === 0 ? null : reasons.join('; ') }
    },
    metrics: async (format) => {
      const context = {
        snapshot: await gateway.refreshStatistics(),
        models: models(),
        epoch: gateway.epochs.plan?.epoch ?? 0,
        epochChanges: gateway.epochs.changes,
        onnxRuntimeVersion: ONNX_RUNTIME,
        startedAtMs: facts().startedAtMs,
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

interface RunningParts {
  readonly gateway: Gateway
  facts(): GatewayFacts
}

/** Starts the gateway and says so: a banner on a terminal, else one line of JSON. */
const announce = async (
  { gateway, facts }: RunningParts,
  sources: AdminSources,
  logger: Logger,
  startedMs: number,
): Promise<void> => {
  await gateway.start()
  const status = await sources.status()
  if (gateway.isDraining) return
  const readyMs = systemClock.monotonic() - startedMs
  if (process.stdout.isTTY) {
    const { stateDir } = facts()
    const versions = { node: process.versions.node, onnxRuntime: ONNX_RUNTIME }
    const example = exampleBody(gateway)
    const banner = { readyMs, ...versions, stateDir, exampleBody: example }
    print(renderBanner(status, sources.models(), banner))
    return
  }
  const { httpPort, controlPort, epoch } = status
  const event = { event: 'ready', readyMs: Math.round(readyMs), httpPort, controlPort, epoch }
  logger.info(event, 'ready')
}

/** Resolves with the exit code, once the process was told to end and has ended its replicas. */
const run = async (
  config: SluiceConfig,
  stateDir: StateDir,
  logger: Logger,
  reread: () => LoadResult,
): Promise<number> => {
  const startedMs = systemClock.monotonic()
  const startedAtMs = systemClock.now()
  const httpPort = await choosePort(config, stateDir)
  const { gateway, prover } = buildGateway(config, stateDir, httpPort, logger)
  let controlPort = config.control.port
  const facts = (): GatewayFacts => ({
    gateway: stateDir.gateway,
    stateDir: stateDir.path,
    startedAtMs,
    httpHost: config.server.host,
    httpPort,
    controlPort,
    monotonicMs: systemClock.monotonic(),
    nowMs: systemClock.now(),
  })
  const sources = adminSources({ gateway, facts }, logger)
  const api = createAdminApi(config.control, sources)
  controlPort = await api.listen()
  const reload = () => {
    const loaded = reread()
    if ('problems' in loaded) {
      const problems = loaded.problems.map(formatProblem)
      logger.error({ event: 'config_invalid', problems }, 'the old config stays')
      return
    }
    prover.setLimits(provingLimits(loaded.config))
    void gateway.reload(loaded.config.defaultEndpoint)
  }
  const signal = awaitSignal(reload, logger)
  await Promise.race([announce({ gateway, facts }, sources, logger, startedMs), signal])
  const name = await signal
  logger.info({ event: 'stopping', signal: name }, 'draining')
  prover.close()
  await gateway.stop(config.server.drainSecondsMax * 1000)
  await api.close()
  return EXIT.OK
}

/** Resolves when the process should end; SIGHUP reloads meanwhile. */
const awaitSignal = (reload: () => void, logger: Logger): Promise<string> => {
  // A detached replica would survive the terminal; with the terminal gone, nobody could stop it.
  const hadTerminal = process.stdin.isTTY
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'))
    process.once('SIGINT', () => resolve('SIGINT'))
    process.on('SIGHUP', () => {
      if (hadTerminal && isTerminalGone()) {
        resolve('SIGHUP')
        return
      }
      logger.info({ event: 'reload' }, 'reading config and repository again')
      reload()
    })
  })
}

/** Opening the controlling terminal fails (ENXIO) once it has hung up. */
const isTerminalGone = (): boolean => {
  try {
    closeSync(openSync('/dev/tty', 'r+'))
    return false
  } catch {
    return true
  }
}

/** The verb. Problems of config and start-up are said on stderr, with an exit code of their own. */
export const serve = async (options: LoadOptions): Promise<number> => {
  const loaded = loadConfig(options)
  if ('problems' in loaded) {
    for (const problem of loaded.problems) complain(`✖ ${formatProblem(problem)}`)
    return EXIT.INVALID
  }
  const { config } = loaded
  const logger = createLogger({ level: config.log.level, component: 'control' })
  let stateDir: StateDir | null = null
  try {
    stateDir = openStateDir(config.stateDir)
    return await run(config, stateDir, logger, () => loadConfig(options))
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown
    complain(`✖ ${thrown.code}: ${thrown.message}`)
    return EXIT.FAILURE
  } finally {
    stateDir?.close()
  }
}
