/** `sluice restart`: every replica replaced by a new one, without an outage. */

import type { RestartStatus } from '../control/replicas/rolling-restart.ts'
import { pause, systemClock } from '../shared/clock.ts'
import { GatewayError } from '../shared/errors.ts'
import { getStatus, postRestart, type ServerOptions } from './client.ts'
import { complain, duration, EXIT, many, paint, plain, print, printJson } from './output.ts'

/** `timeout` is for the whole restart. */
export interface RestartOptions extends ServerOptions {
  readonly json?: boolean
}

const LOOK_MS = 200
/** Between two looks control may be busy, but not for ever. */
const ANSWER_MS_MAX = 5000

/** @throws (rejects) GatewayError SERVER_TIMEOUT, CONTROL_UNREACHABLE */
const follow = async (begun: RestartStatus, options: RestartOptions): Promise<RestartStatus> => {
  const { server, timeout } = options
  const untilMs = systemClock.monotonic() + timeout
  for (let seen = begun; ; ) {
    if (seen.state !== 'running') return seen
    const leftMs = untilMs - systemClock.monotonic()
    if (leftMs <= 0) {
      const detail = `${seen.replaced} of ${many(seen.replicas, 'replica')} replaced after ${timeout / 1000} s; the restart goes on, \`sluice status\` shows it`
      throw new GatewayError('SERVER_TIMEOUT', detail)
    }
    await pause(Math.min(LOOK_MS, leftMs))
    const { restart } = await getStatus({ server, timeout: ANSWER_MS_MAX })
    if (restart?.number !== begun.number || restart.startedAt !== begun.startedAt) {
      const detail = 'Another control process has taken over, which knows of no restart'
      throw new GatewayError('CONTROL_UNREACHABLE', detail)
    }
    if (restart.replaced > seen.replaced) {
      complain(`${restart.replaced} of ${many(restart.replicas, 'replica')} replaced`)
    }
    seen = restart
  }
}

export const restart = async (options: RestartOptions): Promise<number> => {
  const { server, timeout } = options
  const begun = await postRestart({ server, timeout: Math.min(timeout, ANSWER_MS_MAX) })
  const ended = await follow(begun, options)
  const { state, replaced, replicas, fault, startedAt, endedAt } = ended
  if (options.json) printJson(ended)
  if (state === 'failed') {
    const what = `${replaced} of ${many(replicas, 'replica')} replaced, the others serve on`
    complain(`${paint('red', '✖', process.stderr)} ${what}: ${plain(fault ?? '')}`)
    return EXIT.FAILURE
  }
  const tookMs = Date.parse(endedAt ?? startedAt) - Date.parse(startedAt)
  if (!options.json) {
    print(`${paint('green', '✔')} ${many(replicas, 'replica')} replaced in ${duration(tookMs)}`)
  }
  return EXIT.OK
}
