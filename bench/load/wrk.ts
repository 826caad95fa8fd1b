/** Closed loops by wrk: C, one thread, so that the load is never what is measured. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasProgram, outputOf, start } from '../measure/processes.ts'
import type { LoadPlan, LoadResult } from './load.ts'
import { parseWrk } from './wrk-result.ts'

const SCRIPT = fileURLToPath(new URL('./post.lua', import.meta.url))

export const hasWrk = (): boolean => hasProgram('wrk')

/** wrk takes whole seconds only. */
export const runWrk = async (plan: LoadPlan): Promise<LoadResult> => {
  const { target, connections } = plan
  const folder = mkdtempSync(join(tmpdir(), 'bench-body-'))
  try {
    const body = join(folder, 'body')
    writeFileSync(body, target.body, 'latin1')
    const url = `http://127.0.0.1:${target.port}${target.path}`
    const seconds = Math.max(1, Math.round(plan.seconds))
    const loop = ['--threads', '1', '--connections', `${connections}`, '--duration', `${seconds}s`]
    const command = [
      'wrk',
      ...loop,
      '--latency',
      '--script',
      SCRIPT,
      url,
      '--',
      body,
      ...target.headers,
    ]
    return parseWrk(await outputOf(start(command, { core: 'load' })))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
