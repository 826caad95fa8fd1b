/** `sluice serve`: builds the control process, in start order: the one file that knows all. */

import type { ListenAddress, SluiceConfig } from '../config/config.ts'
import { placeCodeCache } from '../config/environment.ts'
import { type Loaded, type LoadOptions, loadConfig } from '../config/load.ts'
import { formatProblem } from '../config/problems.ts'
import { ClientAccess } from '../control/access/client-access.ts'
import {
  type ControlServer,
  createAdminApi,
  createMetricsServer,
} from '../control/api/admin-api.ts'
import type { GatewayFacts } from '../control/api/gateway-status.ts'
import { Gateway } from '../control/gateway.ts'
import { Prover } from '../control/proving/prover.ts'
import { Records } from '../control/records/records.ts'
import type { ShipperProcess } from '../control/records/shipper-process.ts'
import { type ShipperTerms, startShipper } from '../control/records/start-shipper.ts'
import { connectionLimit } from '../control/replicas/file-limit.ts'
import { readReplicaFiles } from '../control/replicas/replica-files.ts'
import { choosePorts, type ReplicaPorts } from '../control/replicas/replica-ports.ts'
import { Supervisor } from '../control/replicas/supervisor.ts'
import { openStateDir, type StateDir } from '../control/state/state-dir.ts'
import { openTracing, type Tracing } from '../control/tracing/tracing.ts'
import { systemClock } from '../shared/clock.ts'
import { writeCodeCache } from '../shared/code-cache.ts'
import { GatewayError } from '../shared/errors.ts'
import { createLogger, type Logger } from '../shared/logger.ts'
import { packageVersion } from '../shared/package-version.ts'
import { adminSources } from './admin-sources.ts'
import { announce } from './announce.ts'
import type { RecordsFacts } from './banner.ts'
import { reloadProblems } from './check-records.ts'
import { restartKeys, restartNote } from './config-changes.ts'
import { modelControlOf, repositoryAt } from './model-settings.ts'
import { complain, EXIT, reportFailure } from './output.ts'
import { placementHost, provingLimits } from './proving-limits.ts'
import { replicaSettings } from './replica-settings.ts'
import type { ServeSignals } from './signals.ts'

/** How long a collector may take for the last spans. */
const FLUSH_MS_MAX = 2000
/** How long the last records may take to their files; what is left is shipped at the next start. */
const SHIP_MS_MAX = 20_000

const ONNX_RUNTIME = packageVersion('onnxruntime-node')

interface Built {
  readonly gateway: Gateway
  readonly prover: Prover
  readonly access: ClientAccess
  readonly tracing: Tracing | null
  readonly records: Records
}

const buildGateway = (
  config: SluiceConfig,
  stateDir: StateDir,
  ports: ReplicaPorts,
  tracing: Tracing | null,
  logger: Logger,
): Built => {
  const clock = systemClock
  const prover = new Prover({
    provenPath: stateDir.provenPath,
    provingPath: stateDir.provingPath,
    limits: provingLimits(config),
    ortVersion: ONNX_RUNTIME,
    clock,
    logger,
    isServing: () => gateway.publisher.plan !== null,
  })
  const { replicas } = config.server
  const mayBeServed = readReplicaFiles(stateDir.runPath).living.length > 0
  const access = new ClientAccess(config, { clock, logger, replicas, mayBeServed })
  const records = new Records(config.records, stateDir.gateway)
  const gateway = new Gateway({
    ...{ prover, stateDir, access, clock, logger },
    defaultEndpoint: config.defaultEndpoint,
    host: placementHost(config),
    loadMsMax: config.watchdog.loadSecondsMax * 1000,
    recycle: config.recycle,
    repository: repositoryAt(config.modelRepository),
    modelControl: modelControlOf(config),
    records,
    makeSupervisor: (handlers) =>
      new Supervisor({
        ...{ stateDir, clock, logger },
        handlers: {
          ...handlers,
          onTraces: (replica, traces) => tracing?.take(replica, traces),
        },
        replicas,
        settingsFor: replicaSettings(config, stateDir, ports),
      }),
  })
  return { gateway, prover, access, tracing, records }
}

const shipperOf = (
  config: SluiceConfig,
  { path, gateway }: StateDir,
  logger: Logger,
  onFigures: ShipperTerms['onFigures'],
): ShipperProcess | null =>
  config.records.enabled
    ? startShipper(config, { stateDir: path, gateway, clock: systemClock, logger, onFigures })
    : null

/** On SIGHUP: the config again, as far as it can change while this runs, and the repository. */
const reloader = (
  { gateway, prover, access, records }: Built,
  running: SluiceConfig,
  options: LoadOptions,
  logger: Logger,
) => {
  let waiting: readonly string[] = []
  const reload = (): void => {
    logger.info({ event: 'reload' }, 'reading config and repository again')
    const loaded = loadConfig(options)
    const faults =
      'problems' in loaded ? loaded.problems : reloadProblems(loaded, records.policies, gateway)
    if ('problems' in loaded || faults.length > 0) {
      const problems = faults.map(formatProblem)
      logger.error({ event: 'config_invalid', problems }, 'the old config stays')
      waiting = problems.map((problem) => `the config is not taken over: ${problem}`)
      gateway.reload(gateway.defaultEndpoint)
      return
    }
    const keys = restartKeys(running, loaded.config)
    if (keys.length > 0) logger.warn({ event: 'restart_needed', keys }, 'changes need a restart')
    waiting = keys.map((key) => restartNote(key, running))
    access.reload(loaded.config)
    records.reload(loaded.config.records)
    prover.setLimits(provingLimits(loaded.config))
    gateway.recycler.setLimits(loaded.config.recycle)
    gateway.reload(loaded.config.defaultEndpoint, modelControlOf(loaded.config))
  }
  return { reload, warnings: () => waiting }
}

/** Why nobody can listen: what the system says to control, if it says anything. */
const listenError = async (config: SluiceConfig, ports: ReplicaPorts): Promise<GatewayError> => {
  const { host } = config.server
  const { httpPort, grpcPort } = ports
  try {
    await choosePorts({ host, httpPort, grpcPort })
  } catch (thrown) {
    return GatewayError.from(thrown)
  }
  const shown = grpcPort === null ? `port ${httpPort}` : `ports ${httpPort} and ${grpcPort}`
  const detail = `No replica can listen on ${host} ${shown}; the logs in the state folder say why`
  return new GatewayError('PORT_IN_USE', detail)
}

const recordsFacts = ({ records }: SluiceConfig, { file }: LoadOptions): RecordsFacts | null => {
  const { enabled, path, durability } = records
  return enabled ? { path, durability, config: file ?? null } : null
}

interface Running {
  readonly gateway: Gateway
  readonly tracing: Tracing | null
  readonly records: Records
  /** Closed last: a drain can be watched. */
  readonly servers: readonly ControlServer[]
  readonly drainMsMax: number
  readonly logger: Logger
  readonly signals: ServeSignals
  /** Begins to serve; rejects when that cannot be. */
  begin(): Promise<void>
  /** Rejects when no replica can ever serve. */
  readonly hopeless: Promise<never>
}

/** Resolves with the exit code, once the process was told to end and has ended its replicas. */
const runToEnd = async (running: Running): Promise<number> => {
  const { gateway, tracing, records, servers, drainMsMax, logger, signals, begin, hopeless } =
    running
  let isCutShort = false
  try {
    const serving = begin().then(() => signals.ended)
    const signal = await Promise.race([serving, signals.ended, hopeless])
    logger.info({ event: 'stopping', signal }, 'draining')
    signals.onHurry(() => {
      isCutShort = true
      void gateway.stop(0)
      void records.stop(0)
    })
    await gateway.stop(drainMsMax)
    return isCutShort ? EXIT.INTERRUPTED : EXIT.OK
  } finally {
    await gateway.stop(0)
    await records.stop(isCutShort ? 0 : SHIP_MS_MAX)
    await tracing?.close(FLUSH_MS_MAX)
    await Promise.all(servers.map((server) => server.close()))
  }
}

const run = async (
  { config, warnings: ofVariables }: Loaded,
  stateDir: StateDir,
  logger: Logger,
  options: LoadOptions,
  signals: ServeSignals,
): Promise<number> => {
  const clock = systemClock
  const [startedAtMs, startedMonotonicMs] = [clock.now(), clock.monotonic()]
  const { living } = readReplicaFiles(stateDir.runPath)
  const ports = await choosePorts(config.server, living)
  const place = { gateway: stateDir.gateway, clock, logger }
  for (const problem of ofVariables) {
    logger.warn({ event: 'tracing_off', variable: problem.source }, formatProblem(problem))
  }
  const tracing = await openTracing(config.tracing, place)
  const built = buildGateway(config, stateDir, ports, tracing, logger)
  const { gateway } = built
  const { reload, warnings } = reloader(built, config, options, logger)
  const { warning } = connectionLimit(config.limits.connectionsMax)
  const lasting = [...ofVariables.map(formatProblem), ...(warning === null ? [] : [warning])]
  let controlPort = config.control.port
  let metricsListen: ListenAddress | null = config.metrics.listen
  const facts = (): GatewayFacts => ({
    ...{ clock, startedAtMs, startedMonotonicMs, ...ports, controlPort, metricsListen },
    gateway: stateDir.gateway,
    httpHost: config.server.host,
    httpScheme: built.access.isTls ? 'https' : 'http',
    certificateExpiresMs: built.access.expiresMs,
    warnings: [...warnings(), ...(tracing?.warnings() ?? []), ...lasting],
  })
  const sources = adminSources(built, facts, ONNX_RUNTIME, logger)
  const api = createAdminApi(config.control, sources)
  const metrics = metricsListen === null ? null : createMetricsServer(metricsListen, sources)
  const controlHost = config.control.host
  const records = recordsFacts(config, options)
  const around = { stateDir: stateDir.path, records, controlHost, onnxRuntime: ONNX_RUNTIME }
  return runToEnd({
    ...{ gateway, tracing, logger, signals, records: built.records },
    servers: metrics === null ? [api] : [metrics, api],
    drainMsMax: config.server.drainSecondsMax * 1000,
    begin: async () => {
      controlPort = (await api.listen()).port
      metricsListen = (await metrics?.listen()) ?? null
      const hear: ShipperTerms['onFigures'] = (figures) => built.records.onShipper(figures)
      built.records.ship(shipperOf(config, stateDir, logger, hear))
      await gateway.start()
      signals.onReload(reload)
      await announce({ gateway, clock, facts, ...around })
      writeCodeCache()
    },
    hopeless: gateway.hopeless.then(async () => {
      throw await listenError(config, ports)
    }),
  })
}

/** On a terminal the banner comes first; what is merely informative would hide it. */
const logLevel = ({ log }: SluiceConfig): string =>
  process.stderr.isTTY && log.level === 'info' ? 'warn' : log.level

/**
 * The verb. Problems of the config, and what keeps it from serving, are said on stderr.
 *
 * @throws (rejects) GatewayError: the state folder cannot be had
 */
export const serve = async (options: LoadOptions, signals: ServeSignals): Promise<number> => {
  const loaded = loadConfig(options)
  if ('problems' in loaded) {
    for (const problem of loaded.problems) complain(`✖ ${formatProblem(problem)}`)
    return EXIT.INVALID
  }
  const { config } = loaded
  const logger = createLogger({ level: logLevel(config), component: 'control' })
  process.on('unhandledRejection', (error) =>
    logger.error({ event: 'unhandled_rejection', error }, 'a promise was rejected'),
  )
  if (signals.hasEnded) return EXIT.OK
  const stateDir = await openStateDir(config.stateDir)
  placeCodeCache(stateDir.compiledPath)
  let code: number
  try {
    code = await run(loaded, stateDir, logger, options, signals)
  } catch (thrown) {
    code = reportFailure(thrown)
  } finally {
    stateDir.close()
  }
  // An exporter that still tries to reach its collector would hold up the end of the process.
  if (config.tracing !== null) process.exit(code)
  return code
}
