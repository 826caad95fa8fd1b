/**
 * Process root of a proving run: one version, one shot. Parses, loads, measures and tests it where
 * a crash hurts nobody, and writes the copy that replicas will load. Reads a ProvingTask as JSON
 * from stdin, prints one line of JSON on stdout: a ProvingReport or a ProvingFailure.
 */

import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError, isRefusal } from '../shared/errors.ts'
import { reviveManifest } from '../shared/manifest.ts'
import type { SessionSettings } from '../shared/session-settings.ts'
import type { Signature } from '../shared/tensor.ts'
import { spawnThread } from '../shared/threads.ts'
import { checkManifest } from './manifest-check.ts'
import { plainMessage } from './native-message.ts'
import { OPTIMISED_LIMITS } from './onnx/onnx-limits.ts'
import { walkOnnx } from './onnx/onnx-walker.ts'
import { keepFile } from './own-files.ts'
import { type Gauge, proveBatching, rowBytesOf } from './proving-batches.ts'
import {
  copyHashed,
  type ModelCopy,
  sha256OfFile,
  takeCopy,
  versionDigest,
} from './proving-copy.ts'
import {
  checkGpuMemory,
  countOperators,
  gpuGrowth,
  gpuMachine,
  idleGpu,
  machineFault,
  type SettledGpu,
  settleGpu,
} from './proving-gpu.ts'
import { exampleInputs } from './proving-inputs.ts'
import type { GpuFindings, ProvingReport } from './proving-report.ts'
import { MODEL_BYTES_MAX, type ProvingTask } from './proving-task.ts'
import { proveWarmups } from './proving-warm-up.ts'
import { answersAlike, type TriedRow, toleranceOf, tryRows } from './self-test.ts'
import { createSession, startRuntime } from './session.ts'
import type { Session } from './session-types.ts'
import { workingClock } from './working-clock.ts'

const DETAIL_MAX = 400
/** Rows to tell apart, fewer where they are large, and as far as there is time. */
const TRIED_ROWS_MAX = 8
const TRIED_SHARE = 1 / 32
const TRY_MS = 1000

const gaugeOf = (settings: SessionSettings): Gauge => ({
  workedMs: workingClock(settings),
  residentBytes: () => process.memoryUsage.rss(),
})

/**
 * Tries the example row and variations of it. A model that refuses the row of its own profile is
 * not sound; one that refuses made-up zeros may well be, and is served without batching.
 */
const tryExample = (session: Session, task: ProvingTask, gauge: Gauge): TriedRow[] => {
  const { manifest, exampleRow, memoryBytesMax } = task
  try {
    const row = exampleInputs(session.signature, manifest, exampleRow)
    const fitting = Math.floor((memoryBytesMax * TRIED_SHARE) / Math.max(1, rowBytesOf(row)))
    const untilMs = gauge.workedMs() + TRY_MS
    const isLate = () => gauge.workedMs() > untilMs
    return tryRows(session, row, Math.min(TRIED_ROWS_MAX, Math.max(2, fitting)), isLate)
  } catch (thrown) {
    const fault = machineFault(thrown)
    if (fault !== null) throw fault
    if (exampleRow === null || manifest === null) return []
    const reason = plainMessage(thrown, DETAIL_MAX)
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
  { session: settings }: ProvingTask,
  signature: Signature,
  rows: readonly TriedRow[],
): ProvenModel | null => {
  if (!existsSync(file)) return null
  if (statSync(file).size > MODEL_BYTES_MAX) {
    throw new GatewayError('MODEL_INVALID', 'The self-contained model exceeds 2 GiB')
  }
  const walk = walkOnnx(file, join(file, 'nowhere'), OPTIMISED_LIMITS)
  if (isRefusal(walk) || walk.externalFiles.length > 0) return null
  let session: Session | null = null
  try {
    session = createSession(readFileSync(file), { ...settings, graphOptimization: 'disabled' })
    const isSame = JSON.stringify(session.signature) === JSON.stringify(signature)
    if (isSame && answersAlike(session, rows, toleranceOf(settings))) return { session, file }
  } catch (thrown) {
    const fault = machineFault(thrown)
    if (fault !== null) throw fault
    // What ONNX Runtime wrote it need not be able to read.
  }
  session?.dispose()
  return null
}

/**
 * The model as it was published, which writes its optimised form beside it. ONNX Runtime does not
 * say why it could not: if it was for want of room, writing the model once more fails as well.
 */
const loadOriginal = (
  file: string,
  { session: settings }: ProvingTask,
  optimised: string,
): Session => {
  try {
    return createSession({ file }, settings, { optimised })
  } catch {
    rmSync(optimised, { recursive: true, force: true }) // half of it, perhaps
    const session = createSession({ file }, settings) // throws the same where the model is at fault
    copyHashed(file, `${optimised}.room`, 0, MODEL_BYTES_MAX)
    return session
  }
}

const optimisedIn = ({ scratchFolder }: ProvingTask): string =>
  join(scratchFolder, 'optimised.onnx')

/** The model as it was published, and as it will be served: optimised and in one piece. */
const loadBoth = (task: ProvingTask, copy: ModelCopy, gauge: Gauge, rssBefore: number) => {
  const optimised = optimisedIn(task)
  const startedMs = gauge.workedMs()
  const original = loadOriginal(copy.file, task, optimised)
  const loadMs = gauge.workedMs() - startedMs
  const { signature } = original
  const digest = versionDigest(copy.files)
  const refusal = task.manifest && checkManifest(task.manifest, digest, signature)
  if (refusal !== null) throw new GatewayError(refusal.code, refusal.detail)
  const rows = tryExample(original, task, gauge)
  const memoryBytes = Math.max(gauge.residentBytes() - rssBefore, statSync(copy.file).size)
  original.dispose() // a GPU may have room for one of them
  const proven =
    tryProven(optimised, task, signature, rows) ?? tryProven(copy.file, task, signature, rows)
  if (proven === null) {
    throw new GatewayError('MODEL_INVALID', 'It cannot be made into one self-contained file')
  }
  return { ...proven, digest, rows, loadMs, memoryBytes }
}

/** On the GPU that it asks for, or on the CPU where that one is not there or has nothing to do. */
const loadWhereItRuns = (asked: ProvingTask, copy: ModelCopy, rssBefore: number) => {
  const machine = gpuMachine(asked.cudaVisibleDevices)
  const settled = settleGpu(asked.session, machine)
  const load = ({ settings, use, warning }: SettledGpu) => {
    const task = { ...asked, session: settings }
    const gauge = gaugeOf(settings)
    const inUse = () => (use === 'used' ? machine.memoryOf(settings) : null)
    const before = inUse()
    const loaded = loadBoth(task, copy, gauge, rssBefore)
    const growth = () => gpuGrowth(before, inUse())
    return { ...loaded, task, gauge, use, growth, warnings: warning === null ? [] : [warning] }
  }
  const loaded = load(settled)
  const row = loaded.rows[0]?.inputs
  if (settled.use !== 'used' || row === undefined) return { ...loaded, operators: null }
  const folder = join(asked.scratchFolder, 'profile')
  const operators = countOperators(loaded.file, settled.settings, row, folder)
  if (operators === null || operators.gpu > 0 || operators.cpu === 0)
    return { ...loaded, operators }
  loaded.session.dispose()
  rmSync(optimisedIn(asked), { force: true })
  return { ...load(idleGpu(settled.settings)), operators }
}

const gpuFindings = (
  { use, operators, growth }: ReturnType<typeof loadWhereItRuns>,
  { session }: ProvingTask,
): GpuFindings | null => {
  if (use === null) return null
  const grown = growth()
  checkGpuMemory(grown, session)
  const { bytes: memoryBytes = null, isOfAll: isMemoryOfAll = false } = grown ?? {}
  return { use, operators, memoryBytes, isMemoryOfAll }
}

const prove = (asked: ProvingTask): ProvingReport => {
  const copy = takeCopy(asked.modelFile, join(asked.scratchFolder, 'published'))
  startRuntime()
  const loaded = loadWhereItRuns(asked, copy, process.memoryUsage.rss())
  const { session, file, digest, rows, loadMs, memoryBytes, task, gauge } = loaded
  const limits = { ...task, tolerance: toleranceOf(task.session) }
  const findings = proveBatching(session, rows, limits, gauge)
  const warmupFiles = proveWarmups(session, task, findings)
  const gpu = gpuFindings(loaded, task)
  const provenSha256 = sha256OfFile(file)
  const provenFile = join(task.provenFolder, `${provenSha256}.onnx`)
  keepFile(file, provenFile) // last: what fails or hangs before leaves nothing behind
  return {
    digest,
    files: copy.files,
    signature: session.signature,
    metadata: copy.walk.metadata,
    opsets: copy.walk.opsets,
    ...findings,
    warnings: [...loaded.warnings, ...findings.warnings],
    memoryBytes,
    loadMs,
    provenFile,
    provenSha256,
    warmupFiles,
    gpu,
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
  spawnThread('runtime/proving-guard-thread.ts', 'proving-guard', task.controlPid).unref()
  volunteerForOom()
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
