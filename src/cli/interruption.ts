/** Ctrl-C for verbs that take long: what is under way is called off, and the exit code says so. */

import { EXIT } from './output.ts'

export interface Interruption {
  /** That of the verb, once a signal has come; null before. */
  readonly code: number | null
  /** What a signal has done, in place of an earlier task; at once, when one has come already. */
  onSignal(task: () => void): void
}

/** From now on the first SIGINT or SIGTERM does what is said; a second one ends the process. */
export const listenForInterruption = (): Interruption => {
  let code: number | null = null
  let interrupt = () => {}
  const listen = (signal: NodeJS.Signals, wanted: number) =>
    process.once(signal, () => {
      code = wanted
      interrupt()
    })
  listen('SIGINT', EXIT.INTERRUPTED)
  listen('SIGTERM', EXIT.TERMINATED)
  return {
    get code() {
      return code
    },
    onSignal: (task) => {
      interrupt = task
      if (code !== null) task()
    },
  }
}
