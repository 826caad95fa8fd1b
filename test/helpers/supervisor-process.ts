/**
 * A control process that does nothing but supervise two puppets. Prints their pids as JSON when
 * both are connected, then runs until it is killed.
 *
 *     node supervisor-process.ts <state folder>
 */

import { openStateDir } from '../../src/control/state-dir.ts'
import { Supervisor } from '../../src/control/supervisor.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { createLogger } from '../../src/shared/logger.ts'
import { PUPPET_ENTRY, puppetSettings } from './puppet-settings.ts'

const stateDir = openStateDir(process.argv[2]!)
const supervisor = new Supervisor({
  stateDir,
  replicas: 2,
  clock: systemClock,
  logger: createLogger({ level: 'silent', component: 'control' }),
  entry: PUPPET_ENTRY,
  settingsFor: (replica, incarnation) =>
    puppetSettings(stateDir, { replica, incarnation, threads: 1, drainMsMax: 5000 }),
  handlers: {
    onConnected: () => {
      const pids = supervisor.connected().map(({ pid }) => pid)
      if (pids.length === 2) process.stdout.write(`${JSON.stringify(pids)}\n`)
    },
    onDied: () => {},
  },
})
await supervisor.start()
