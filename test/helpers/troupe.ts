/** Supervisors of puppets, and what happens to them. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConnectedReplica, ReplicaDeath } from '../../src/control/connected-replica.ts'
import type { StateDir } from '../../src/control/state-dir.ts'
import { Supervisor } from '../../src/control/supervisor.ts'
import { type Clock, systemClock } from '../../src/shared/clock.ts'
import type { ReplicaSettings } from '../../src/shared/epoch-plan.ts'
import { createLogger } from '../../src/shared/logger.ts'
import { findIdentity } from '../../src/shared/process-identity.ts'
import { atEnd } from './clean-up.ts'
import type { PuppetManner } from './puppet-replica.ts'
import { PUPPET_ENTRY, puppetSettings } from './puppet-settings.ts'
import { until } from './until.ts'

export interface Troupe {
  readonly supervisor: Supervisor
  readonly deaths: ReplicaDeath[]
  readonly arrivals: ConnectedReplica[]
  readonly reports: string[]
  /** Resolves when so many replicas are connected. */
  connected(count: number): Promise<ConnectedReplica[]>
}

export interface TroupeOptions {
  readonly replicas?: number
  readonly clock?: Clock
  readonly threads?: number
  readonly drainMsMax?: number
  readonly entry?: string
  manner?(index: number, incarnation: number): PuppetManner
}

/** A supervisor of puppets; abandoned when the test ends, which kills what the run files name. */
export const makeTroupe = (stateDir: StateDir, options: TroupeOptions = {}): Troupe => {
  const { replicas = 1, clock = systemClock, threads = 1, drainMsMax = 5000 } = options
  const { entry = PUPPET_ENTRY, manner = () => 'obedient' } = options
  const deaths: ReplicaDeath[] = []
  const arrivals: ConnectedReplica[] = []
  const reports: string[] = []
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
      onConnected: (replica) => void arrivals.push(replica),
      onDied: (death) => void deaths.push(death),
      onReport: (_, { event }) => void reports.push(event),
    },
  })
  atEnd(() => supervisor.abandonAll())
  const connected = (count: number) =>
    until(
      () => {
        const now = supervisor.connected()
        return now.length === count ? now : null
      },
      { what: `${count} connected replicas` },
    )
  return { supervisor, deaths, arrivals, reports, connected }
}

export const isRunning = (pid: number): boolean => findIdentity(pid) !== null

/** What `run/replica-<index>.json` holds. */
export const readRunFile = (stateDir: StateDir, index: number) =>
  JSON.parse(readFileSync(join(stateDir.runPath, `replica-${index}.json`), 'utf8'))
