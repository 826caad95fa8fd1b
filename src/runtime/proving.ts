/**
 * Process root of a proving run: one version, one shot. Parses, loads, measures and tests it where
 * a crash hurts nobody, and writes the copy that replicas will load. Reads a ProvingTask as JSON
 * from stdin, prints one line of JSON on stdout: a ProvingReport or a ProvingFailure.
 */

import { createHash } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from '../shared/clock.ts'
import { GatewayError, type Refusal } from '../shared/errors.ts'
import type { Tensor } from '../shared/tensor.ts'
import { rowStridesOf } from './batch.ts'
import { batchCap } from './batch-cap.ts'
import { checkManifest } from './manifest-check.ts'
import { walkOnnx } from './onnx-walker.ts'
import { agrees, provingInputs, rowOf } from './proving-inputs.ts'
import type { ProvingReport } from './proving-report.ts'
import type { ProvingTask } from './proving-task.ts'
import { createSession } from './session.ts'
import type { Session } from './session-types.ts'

/** Time for all measurements of one version; slow models get fewer rounds, not more time. */
const MEASURE_MS = 250
const ROUNDS_MAX = 9
const SELF_TEST_ROWS = 8
const PROVEN_BYTES_MAX = 2 ** 31 - 1

const { monotonic } = systemClock

const sha256Of = (file: string): string => {
  const hash = createHash('sha256')
  const fd = openSync(file, 'r')
  const chunk = Buffer.alloc(1024 * 1024)
  try {
    for (let read = readSync(fd, chunk); read > 0; read = readSync(fd, chunk)) {
      hash.update(chunk.subarray(0, read))
    }
  } finally {
    closeSync(fd)
  }
  return hash.digest('hex')
}

const throwIf = (refusal: Refusal | null): void => {
  if (refusal !== null) throw new GatewayError(refusal.code, refusal.detail)
}

const median = (values: number[]): number =>
  values.sort((a, b) => a - b)[values.length >> 1] ?? Number.POSITIVE_INFINITY

/** Median microseconds of a run; at least one round, at most what the time allows. */
const measure = (session: Session, inputs: readonly Tensor[], untilMs: number): number => {
  const us: number[] = []
  for (let round = 0; round < ROUNDS_MAX && (round === 0 || monotonic() < untilMs); round++) {
    const startedMs = monotonic()
    session.run(inputs)
    us.push((monotonic() - startedMs) * 1000)
  }
  return median(us)
}

const runUsByRows = (session: Session, task: ProvingTask, rowsMax: number) => {
  const runs: (readonly [number, number])[] = []
  const untilMs = monotonic() + MEASURE_MS
  for (let rows = 1; rows <= rowsMax; rows *= 2) {
    const inputs = provingInputs(session.signature, task.manifest, task.exampleRow, rows)
    if (rows === 1) session.run(inputs)
    runs.push([rows, measure(session, inputs, untilMs)])
    if (monotonic() > untilMs) break
  }
  return runs
}

/** Runs rows alone and together; they must agree, or requests must not share a run. */
const batchingAgrees = (session: Session, task: ProvingTask): boolean => {
  const rows = SELF_TEST_ROWS
  const inputs = provingInputs(session.signature, task.manifest, task.exampleRow, rows)
  try {
    const batched = session.run(inputs).map((tensor) => ({ ...tensor }))
    for (let row = 0; row < rows; row++) {
      const alone = session.run(rowOf(inputs, row, rows))
      if (!agrees(batched, alone, row, rows)) return false
    }
    return true
  } catch {
    return false // a model that cannot take eight rows at once is not batched
  }
}

/** A private copy first: what is hashed, walked and loaded are the same bytes. */
const takeCopy = (task: ProvingTask): { file: string; digest: string } => {
  const folder = task.scratchFolder
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'model.onnx')
  copyFileSync(task.modelFile, file)
  const walk = walkOnnx(file, dirname(task.modelFile))
  if ('code' in walk) throw new GatewayError(walk.code, walk.detail)
  for (const name of walk.externalFiles) {
    copyFileSync(join(dirname(task.modelFile), name), join(folder, name))
  }
  const parts = ['model.onnx', ...walk.externalFiles].map((name) => sha256Of(join(folder, name)))
  const digest =
    parts.length === 1 ? parts[0]! : createHash('sha256').update(parts.join()).digest('hex')
  return { file, digest }
}

/** The optimised, self-contained model; where ONNX Runtime cannot write one, the original. */
const writeProven = (task: ProvingTask, copy: string): { session: Session; file: string } => {
  const optimised = join(task.scratchFolder, 'optimised.onnx')
  const session = createSession({ file: copy }, { optimizedModelFile: optimised })
  try {
    createSession(readFileSync(optimised), { optimization: 'disabled' }).dispose()
    return { session, file: optimised }
  } catch {
    return { session, file: copy }
  }
}

const prove = (task: ProvingTask): ProvingReport => {
  const { file, digest } = takeCopy(task)
  const walk = walkOnnx(file, task.scratchFolder)
  if ('code' in walk) throw new GatewayError(walk.code, walk.detail)
  const startedMs = monotonic()
  const { session, file: proven } = writeProven(task, file)
  const loadMs = monotonic() - startedMs
  const { signature } = session
  if (task.manifest !== null) throwIf(checkManifest(task.manifest, digest, signature))
  if (statSync(proven).size > PROVEN_BYTES_MAX) {
    throw new GatewayError('MODEL_INVALID', 'The self-contained model exceeds 2 GiB')
  }
  const tensors = [...signature.inputs, ...signature.outputs]
  const hasRowDimension = tensors.length > 0 && tensors.every(({ shape }) => shape[0] === -1)
  const isBatched = hasRowDimension && task.maxBatchSize !== 0
  const rowsMax = isBatched ? Math.min(task.rowsMax, task.maxBatchSize ?? task.rowsMax) : 1
  const canRun = rowStridesOf(signature.inputs) !== null || !hasRowDimension
  const runs = canRun ? runUsByRows(session, task, rowsMax) : []
  const agreed = isBatched && batchingAgrees(session, task)
  const provenSha256 = sha256Of(proven)
  renameSync(proven, task.provenFile)
  return {
    digest,
    ortVersion: task.ortVersion,
    signature,
    metadata: walk.metadata,
    opsets: walk.opsets,
    hasRowDimension,
    batchingAgrees: agreed,
    runUsByRows: runs,
    batchCap: hasRowDimension ? Math.max(1, runs.length === 0 ? rowsMax : batchCap(runs)) : 0,
    memoryBytes: process.memoryUsage().rss,
    loadMs,
    provenFile: task.provenFile,
    provenSha256,
  }
}

const main = (): void => {
  const task = JSON.parse(readFileSync(0, 'utf8')) as ProvingTask
  let result: object
  try {
    result = prove(task)
  } catch (thrown) {
    const { code, message, cause } = GatewayError.from(thrown)
    // A model that loads but fails on every input is invalid, not a fault of ours.
    const detail = code === 'INTERNAL' ? `It fails when run: ${String(cause)}` : message
    result = { code: code === 'INTERNAL' ? 'MODEL_INVALID' : code, detail: detail.slice(0, 500) }
  }
  rmSync(task.scratchFolder, { recursive: true, force: true })
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

main()
