/** Provers over folders of their own, and versions to prove. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Prover, type ProverOptions } from '../../src/control/proving/prover.ts'
import type { ProvingSubject } from '../../src/control/proving/proving-subject.ts'
import type { ProvingFailure, ProvingReport } from '../../src/runtime/proving-report.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { createLogger } from '../../src/shared/logger.ts'
import { DEFAULT_SESSION } from '../../src/shared/session-settings.ts'
import { entryPath } from '../../src/shared/threads.ts'
import { atEnd } from './clean-up.ts'
import { makeTempDir } from './temp-dir.ts'

const MIB = 1024 * 1024

export const LIMITS = { timeoutMs: 20_000, memoryBytesMax: 1024 * MIB, rowsMax: 16 }

/** A prover over `folder`; its children are killed when the test ends. */
export const makeProver = (more: Partial<ProverOptions> = {}, folder = makeTempDir()): Prover => {
  const prover = new Prover({
    provenPath: join(folder, 'proven'),
    provingPath: join(folder, 'proving'),
    limits: LIMITS,
    ortVersion: 'test',
    clock: systemClock,
    logger: createLogger({ level: 'silent', component: 'test' }),
    isServing: () => false,
    ...more,
  })
  atEnd(() => prover.close())
  return prover
}

/** Writes a version folder; `files` lie beside the model. */
export const publish = (
  model: Uint8Array,
  files: Readonly<Record<string, Uint8Array>> = {},
  folder = makeTempDir('version'),
): ProvingSubject => {
  const modelFile = join(folder, 'model.onnx')
  writeFileSync(modelFile, model)
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes)
  return {
    modelFile,
    manifest: null,
    exampleRow: null,
    maxBatchSize: null,
    session: DEFAULT_SESSION,
    warmups: [],
    warmupFolder: join(folder, '../warmup'),
  }
}

/** A process root that runs `code` before the real proving run, or instead of it. */
export const entryOf = (code: string, isRealAfter = false): string => {
  const entry = join(makeTempDir('entry'), 'entry.mjs')
  const real = `await import(${JSON.stringify(entryPath('runtime/proving.ts'))})\n`
  writeFileSync(entry, `${code}\n${isRealAfter ? real : ''}`)
  return entry
}

/** The report; throws what went wrong instead. */
export const reportOf = (result: ProvingReport | ProvingFailure): ProvingReport => {
  if ('code' in result) throw new Error(`${result.code}: ${result.detail}`)
  return result
}

/** Process ids of a process's children. */
export const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
