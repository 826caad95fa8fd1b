/** Supervisors of puppets, and what happens to them. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Statistics } from '../../proto/gen/control_pb.ts'
import type {
  ConnectedReplica,
  ReplicaDeath,
} from '../../src/control/replicas/connected-replica.ts'
import { Supervisor } from '../../src/control/replicas/supervisor.ts'
import type { StateDir } from '../../src/control/state/state-dir.ts'
import { type Clock, systemClock } from '../../src/shared/clock.ts'
import type { ReplicaSettings } from '../../src/shared/epoch-plan.ts'
import { createLogger } from '../../src/shared/logger.ts'
import { findIdentity } from '../../src/shared/process-identity.ts'
import { atEnd } from './clean-up.ts'
import { FakeClock } from './fake-clock.ts'
import type { PuppetManner } from './puppet-replica.ts'
import { PUPPET_ENTRY, puppetSettings } from './puppet-settings.ts'
import { until } from './until.ts'

export interface Troupe {
  readonly supervisor: Supervisor
  readonly deaths: ReplicaDeath[]
  readonly arrivals: ConnectedReplica[]
  /** Arrivals and deaths in the order in which they came: `0.1 connected`, `0.1 died`. */
  readonly events: string[]
  readonly reports: string[]
  /** Last figures by incarnation. */
  readonly finals: Map<number, Statistics>
  /** Reasons why no replica can ever start. */
  readonly fatal: string[]
  /** Resolves when so many replicas are connected and not about to end. */
  connected(count: number): Promise<ConnectedReplica[]>
}

export interface TroupeOptions {
  readonly replicas?: number
  readonly clock?: Clock
  readonly threads?: number
  readonly drainMsMax?: number
  readonly entry?: string
  manner?(index: number, incarnation: number): PuppetManner
  /** Whether a connected puppet answers requests; all do when absent. */
  isServing?(replica: ConnectedReplica): boolean
  /** The longest that a puppet may take to prepare; 0 when absent. */
  prepareMsMax?(): number
}

/** A supervisor of puppets. All are killed when the test ends. */
export const makeTroupe = (stateDir: StateDir, options: TroupeOptions = {}): Troupe => {
  const { replicas = 1, clock = systemClock, threads = 1, drainMsMax = 5000 } = options
  const { entry = PUPPET_ENTRY, manner = () => 'obedient', isServing = () => true } = options
  const { prepareMsMax = () => 0 } = options
  const deaths: ReplicaDeath[] = []
  const arrivals: ConnectedReplica[] = []
  const events: string[] = []
  const reports: string[] = []
  const finals = new Map<number, Statistics>()
  const fatal: string[] = []
  const note = ({ index, incarnation }: ReplicaDeath | ConnectedReplica, what: string) =>
    void events.push(`${index}.${incarnation} ${what}`)
  const settingsFor = (replica: number, incarnation: number): ReplicaSettings =>
    puppetSettings(stateDir, { replica, incarnation, threads, drainMsMax }, manner)
  const supervisor = new Supervisor({
    stateDir,
    replicas,
    clock,
    entry,
    logger: createLogger({ level: 'silent', component: 'control' }),
    settingsFor,
    handlers: {
      onConnected: (replica) => {
        arrivals.push(replica)
        note(replica, 'connected')
      },
      onDied: (death) => {
        deaths.push(death)
        note(death, 'died')
      },
      onReport: (_, { event }) => void reports.push(event),
      onDrained: ({ incarnation }, final) => void finals.set(incarnation, final),
      onAllFatal: (reason) => void fatal.push(reason),
      isServing,
      prepareMsMax,
    },
  })
  atEnd(() => endAll(supervisor, clock))
  const connected = (count: number) =>
    until(
      () => {
        const now = supervisor.connected()
        return now.length === count ? now : null
      },
      { what: `${count} connected replicas` },
    )
  return { supervisor, deaths, arrivals, events, reports, finals, fatal, connected }
}

const endAll = async (supervisor: Supervisor, clock: Clock): Promise<void> => {
  let hasEnded = false
  void supervisor.drainAll(0).then(() => {
    hasEnded = true
  })
  await until(
    async () => {
      if (clock instanceof FakeClock) await clock.advance(50)
      return hasEnded
    },
    { what: 'the end of all puppets' },
  )
}

export const isRunning = (pid: number): boolean => findIdentity(pid) !== null

/** Path of the file in `run/` that names the newest process of a replica. */
export const runFileOf = ({ runPath }: StateDir, index: number): string => {
  const names = readdirSync(runPath).filter((name) => name.startsWith(`replica-${index}-`))
  const incarnationOf = (name: string) => Number(/-(\d+)\.json$/.exec(name)?.[1])
  return join(runPath, names.sort((a, b) => incarnationOf(a) - incarnationOf(b)).at(-1)!)
}

/** What that file holds. */
export const readRunFile = (stateDir: StateDir, index: number) =>
  JSON.parse(readFileSync(runFileOf(stateDir, index), 'utf8'))
