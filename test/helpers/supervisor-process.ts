/**
 * A control process that does nothing but supervise puppets. Prints their pids as JSON when all are
 * connected, or, when they never dial, as soon as they run; then it runs until it is killed.
 *
 *     node supervisor-process.ts <state folder> <FirstControlOptions as JSON>
 */

import { Supervisor } from '../../src/control/replicas/supervisor.ts'
import { openStateDir } from '../../src/control/state/state-dir.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { createLogger } from '../../src/shared/logger.ts'
import type { FirstControlOptions } from './first-control.ts'
import { PUPPET_ENTRY, puppetSettings } from './puppet-settings.ts'

const [, , path, json] = process.argv
const options = JSON.parse(json!) as Required<FirstControlOptions>
const { replicas, manner, threads, isServing, awaited } = options
const stateDir = await openStateDir(path!)
const say = (replicas: readonly { pid: number }[]) =>
  process.stdout.write(`${JSON.stringify(replicas.map(({ pid }) => pid))}\n`)
const supervisor = new Supervisor({
  stateDir,
  replicas,
  clock: systemClock,
  logger: createLogger({ level: 'silent', component: 'control' }),
  entry: PUPPET_ENTRY,
  settingsFor: (replica, incarnation) => {
    const chosen = { replica, incarnation, threads, drainMsMax: 5000 }
    return puppetSettings(stateDir, chosen, () => manner)
  },
  handlers: {
    onConnected: () => {
      const connected = supervisor.connected()
      if (connected.length === awaited) say(connected)
    },
    onDied: () => {},
    isServing: () => isServing,
  },
})
await supervisor.start()
if (manner === 'mute') say(supervisor.states())
