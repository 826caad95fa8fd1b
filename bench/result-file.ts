/** Results as files: which code, which machine, which command, all rounds. */

import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describeCommit, describeMachine } from './measure/machine.ts'
import type { BenchOptions } from './options.ts'

const isFolder = (path: string): boolean =>
  path.endsWith('/') || (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false)

/** Writes `content` under the head of every result, if `--json` was given. */
export const writeResult = (options: BenchOptions, content: object): void => {
  if (options.json === null) return
  const at = new Date()
  const name = `${options.what}-${at.toISOString().slice(0, 19).replaceAll(':', '')}Z.json`
  const path = isFolder(options.json) ? join(options.json, name) : options.json
  const head = {
    format: { name: 'sluice-bench', version: 1 },
    benchmark: options.what,
    at: at.toISOString(),
    commit: describeCommit(),
    machine: describeMachine(),
    command: ['npm', 'run', 'bench', '--', ...process.argv.slice(2)].join(' '),
  }
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify({ ...head, ...content }, null, 2)}\n`)
  console.log(`written to ${path}`)
}
