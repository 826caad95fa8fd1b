/** Memory of GPU 0 while a version comes and goes, and when its replica is replaced. */

import { execFileSync } from 'node:child_process'
import { renameSync, rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../measure/processes.ts'
import type { SluiceServer } from '../servers/sluice.ts'

export type MemoryStep = readonly [step: string, mib: number]

/** A replica lets go of a version after the commit; the driver takes a moment. */
const LET_GO_MS = 2000
const SETTLED_MS_MAX = 60_000

const smi = (...words: string[]): string =>
  execFileSync('nvidia-smi', ['--id=0', '--format=csv,noheader,nounits', ...words], {
    encoding: 'utf8',
  }).trim()

/** MiB in use, by all processes. */
export const usedMib = (): number => Number(smi('--query-gpu=memory.used'))

export const gpuName = (): string => smi('--query-gpu=name,driver_version')

export interface VersionFacts {
  readonly state: string
  readonly reason: string | null
  readonly placement: { readonly kind: string; readonly reason: string } | null
  readonly batching: object | null
  readonly gpu: object | null
  readonly warnings: readonly string[]
}

/** The first version of the model, as `sluice models --json` has it. */
export const versionOf = async (
  { controlPort }: SluiceServer,
  model: string,
): Promise<VersionFacts | undefined> => {
  const response = await fetch(`http://127.0.0.1:${controlPort}/api/v1/models`)
  const document = (await response.json()) as {
    models: { name: string; versions: VersionFacts[] }[]
  }
  return document.models.find(({ name }) => name === model)?.versions[0]
}

const hasGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

/** Takes a model away for good. */
export const takeAway = async (
  server: SluiceServer,
  model: string,
  folder: string,
): Promise<void> => {
  rmSync(folder, { recursive: true })
  server.reload()
  const isGone = async () => (await versionOf(server, model)) === undefined
  await until(`${model} is gone`, SETTLED_MS_MAX, isGone)
  await delay(LET_GO_MS)
}

/** `folder`: of the model, which is available; `away`: where it is not seen. */
export const measureMemory = async (
  server: SluiceServer,
  model: string,
  folder: string,
  away: string,
): Promise<MemoryStep[]> => {
  await delay(LET_GO_MS)
  const steps: MemoryStep[] = [['loaded', usedMib()]]
  const move = async (step: string, isThere: boolean): Promise<void> => {
    renameSync(...((isThere ? [away, folder] : [folder, away]) as [string, string]))
    server.reload()
    await until(step, SETTLED_MS_MAX, async () => {
      const version = await versionOf(server, model)
      return isThere ? version?.state === 'available' : version === undefined
    })
    await delay(LET_GO_MS)
    steps.push([step, usedMib()])
  }
  for (const time of [1, 2]) {
    await move(`unloaded, ${time}`, false)
    await move(`loaded again, ${time}`, true)
  }
  await move('unloaded, 3', false)
  const pid = server.replicaPid()
  await fetch(`http://127.0.0.1:${server.controlPort}/api/v1/restart`, { method: 'POST' })
  await until('another replica', SETTLED_MS_MAX, () => hasGone(pid))
  await delay(LET_GO_MS)
  steps.push(['its replica replaced', usedMib()])
  return steps
}
