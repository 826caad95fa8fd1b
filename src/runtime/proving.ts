/**
 * Process root of a proving run: one version, one shot. Parses, loads, measures and tests it where
 * a crash hurts nobody, and writes the copy that replicas will load. Reads a ProvingTask as JSON
 * from stdin, prints one line of JSON on stdout: a ProvingReport or a ProvingFailure.
 */

import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../shared/clock.ts'
import { GatewayError } from '../shared/errors.ts'
import { reviveManifest } from '../shared/manifest.ts'
import type { Signature, Tensor } from '../shared/tensor.ts'
import { spawnThread } from '../shared/threads.ts'
import { batchCap } from './batch-cap.ts'
import { checkManifest } from './manifest-check.ts'
import { plainMessage } from './native-message.ts'
import { OPTIMISED_LIMITS } from './onnx-limits.ts'
import { walkOnnx } from './onnx-walker.ts'
import { type ModelCopy, sha256OfFile, syncFile, takeCopy, versionDigest } from './proving-copy.ts'
import { exampleInputs, stackInputs } from './proving-inputs.ts'
import type { ProvingReport } from './proving-report.ts'
import type { ProvingTask } from './proving-task.ts'
import { answersAlike, batchingAgrees, type TriedRow, tryRows } from './self-test.ts'
import { createSession, startRuntime } from './session.ts'
import type { Session } from './session-types.ts'

/** Time for all measurements of one version; slow models get fewer rounds, not more time. */
const MEASURE_MS = 250
const ROUNDS_MAX = 9
const SELF_TEST_ROWS = 8
const PROVEN_BYTES_MAX = 2 ** 31 - 1
const DETAIL_MAX = 400

const { monotonic } = systemClock

const median = (values: number[]): number =>
  values.sort((a, b) => a - b)[values.length >> 1] ?? Number.POSITIVE_INFINITY

/** Median microseconds of a run; at least one round, at most what the time allows. */
const measure = (session: Session, inputs: readonly Tensor[], untilMs: number): number => {
  const us: number[] = []
  session.run(inputs) // the first run of a size allocates
  for (let round = 0; round < ROUNDS_MAX && (round === 0 || monotonic() < untilMs); round++) {
    const startedMs = monotonic()
    session.run(inputs)
    us.push((monotonic() - startedMs) * 1000)
  }
  return median(us)
}

/** Rows of 1, 2, 4 ... until time is up, or the model takes no more. */
const runUsByRows = (session: Session, rows: readonly TriedRow[], rowsMax: number) => {
  const runs: (readonly [number, number])[] = []
  const inputs = rows.map((each) => each.inputs)
  const untilMs = monotonic() + MEASURE_MS
  for (let count = 1; count <= rowsMax && (count === 1 || monotonic() < untilMs); count *= 2) {
    const batch = rowsMax === 1 ? inputs[0]! : stackInputs(inputs, count)
    try {
      runs.push([count, measure(session, batch, untilMs)])
    } catch {
      break // larger batches than it takes are not offered to it
    }
  }
  return runs
}

/**
 * Tries the example row and variations of it. A model that refuses the row of its own profile is
 * not sound; one that refuses made-up zeros may well be, and is served without batching.
 */
const tryExample = (session: Session, task: ProvingTask, count: number): TriedRow[] => {
  const { manifest, exampleRow } = task
  try {
    return tryRows(session, exampleInputs(session.signature, manifest, exampleRow), count)
  } catch (thrown) {
    const reason = plainMessage(thrown, DETAIL_MAX)
    if (/allocate memory|bad_alloc/.test(reason)) {
      throw new GatewayError('PROVING_MEMORY', 'It asks for more memory than there is')
    }
    if (exampleRow === null || manifest === null) return []
    throw new GatewayError('MODEL_INVALID', `It fails on the example row: ${reason}`)
  }
}

interface ProvenModel {
  readonly session: Session
  readonly file: string
}

/** A session as replicas will make it, if it answers as the original does. */
const tryProven = (
  file: string,
  signature: Signature,
  rows: readonly TriedRow[],
): ProvenModel | null => {
  if (!existsSync(file)) return null
  if (statSync(file).size > PROVEN_BYTES_MAX) {
    throw new GatewayError('MODEL_INVALID', 'The self-contained model exceeds 2 GiB')
  }
  const walk = walkOnnx(file, join(file, 'nowhere'), OPTIMISED_LIMITS)
  if ('code' in walk || walk.externalFiles.length > 0) return null
  let session: Session | null = null
  try {
    session = createSession(readFileSync(file), { optimization: 'disabled' })
    const isSame = JSON.stringify(session.signature) === JSON.stringify(signature)
    if (isSame && answersAlike(session, rows)) return { session, file }
  } catch {} // what ONNX Runtime wrote it need not be able to read
  session?.dispose()
  return null
}

/** The model as it was published, and as it will be served: optimised and in one piece. */
const loadBoth = (task: ProvingTask, copy: ModelCopy) => {
  const optimised = join(task.scratchFolder, 'optimised.onnx')
  startRuntime()
  const rssBefore = process.memoryUsage.rss()
  const startedMs = monotonic()
  const original = createSession({ file: copy.file }, { optimizedModelFile: optimised })
  const loadMs = monotonic() - startedMs
  const { signature } = original
  const digest = versionDigest(copy.files)
  const refusal = task.manifest && checkManifest(task.manifest, digest, signature)
  if (refusal !== null) throw new GatewayError(refusal.code, refusal.detail)
  const rows = tryExample(original, task, SELF_TEST_ROWS)
  const memoryBytes = Math.max(process.memoryUsage.rss() - rssBefore, statSync(copy.file).size)
  const proven = tryProven(optimised, signature, rows) ?? tryProven(copy.file, signature, rows)
  if (proven === null) {
    throw new GatewayError('MODEL_INVALID', 'It cannot be made into one self-contained file')
  }
  original.dispose()
  return { ...proven, digest, rows, loadMs, memoryBytes }
}

const prove = (task: ProvingTask): ProvingReport => {
  const copy = takeCopy(task.modelFile, join(task.scratchFolder, 'published'))
  const { session, file, digest, rows, loadMs, memoryBytes } = loadBoth(task, copy)
  const { signature } = session
  const tensors = [...signature.inputs, ...signature.outputs]
  const hasRowDimension =
    signature.inputs.length > 0 && tensors.every(({ shape }) => shape[0] === -1)
  const allowed = Math.min(task.rowsMax, task.maxBatchSize ?? task.rowsMax)
  const rowsMax = hasRowDimension ? Math.max(1, allowed) : 1
  const runs = rows.length === 0 ? [] : runUsByRows(session, rows, rowsMax)
  const testRows = Math.min(SELF_TEST_ROWS, rowsMax)
  const isTested = rows.length > 0 && testRows > 1
  const provenSha256 = sha256OfFile(file)
  const provenFile = join(task.provenFolder, `${provenSha256}.onnx`)
  syncFile(file)
  renameSync(file, provenFile)
  return {
    digest,
    files: copy.files,
    ortVersion: task.ortVersion,
    signature,
    metadata: copy.walk.metadata,
    opsets: copy.walk.opsets,
    hasRowDimension,
    batchingAgrees: isTested ? batchingAgrees(session, rows, testRows) : rows.length > 0,
    runUsByRows: runs,
    batchCap: hasRowDimension ? batchCap(runs) : 0,
    memoryBytes,
    loadMs,
    provenFile,
    provenSha256,
  }
}

/** The first to go when the machine runs out of memory, before control and its replicas. */
const volunteerForOom = (): void => {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000')
  } catch {} // not Linux
}

const main = (): void => {
  const task = JSON.parse(readFileSync(0, 'utf8'), reviveManifest) as ProvingTask
  volunteerForOom()
  spawnThread('runtime/proving-guard-thread.ts', 'proving-guard', null).unref()
  let result: object
  try {
    result = prove(task)
  } catch (thrown) {
    const { code, message } = GatewayError.from(thrown)
    const detail = code === 'INTERNAL' ? `It fails: ${plainMessage(thrown, DETAIL_MAX)}` : message
    result = { code: code === 'INTERNAL' ? 'MODEL_INVALID' : code, detail }
  }
  rmSync(task.scratchFolder, { recursive: true, force: true })
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

main()
