/** A control process that starts puppets and is killed: what a new control finds. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { atEnd } from './clean-up.ts'
import type { PuppetManner } from './puppet-replica.ts'

const ENTRY = fileURLToPath(new URL('supervisor-process.ts', import.meta.url))

export interface FirstControlOptions {
  readonly replicas?: number
  /** Of all its puppets. */
  readonly manner?: PuppetManner
  /** A setting that tells one control from the next. */
  readonly threads?: number
  /** False: no puppet ever comes to serve. */
  readonly isServing?: boolean
  /** How many connected puppets are waited for; all when absent. */
  readonly awaited?: number
}

export interface FirstControl {
  /** Of the control process. */
  readonly pid: number
  /** Of its connected puppets, by index. */
  readonly pids: readonly number[]
  /** SIGKILL; its puppets live on. */
  kill(): Promise<void>
}

/** Starts a control on a state folder; resolves when its puppets are connected. */
export const startFirstControl = async (
  path: string,
  options: FirstControlOptions = {},
): Promise<FirstControl> => {
  const { replicas = 1, manner = 'obedient', threads = 1, isServing = true } = options
  const { awaited = replicas } = options
  const json = JSON.stringify({ replicas, manner, threads, isServing, awaited })
  const control = spawn(process.execPath, [ENTRY, path, json], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const kill = async () => {
    if (control.exitCode !== null || control.signalCode !== null) return
    control.kill('SIGKILL')
    await once(control, 'exit')
  }
  atEnd(kill)
  const lines = createInterface({ input: control.stdout })[Symbol.asyncIterator]()
  const { value } = await lines.next()
  return { pid: control.pid!, pids: JSON.parse(String(value)) as number[], kill }
}
