/**
 * What a version is like in batches: measured at 1, 2, 4 ... rows, and tested at each of these
 * sizes against the answers of its rows alone.
 */

import type { Tensor, TensorSignature } from '../shared/tensor.ts'
import { batchCap, hasSettled } from './batch-cap.ts'
import { stackInputs } from './proving-inputs.ts'
import type { ProvingReport } from './proving-report.ts'
import { rowsMatch } from './run-result.ts'
import { answersAgree, answersByRow, type Tolerance, type TriedRow } from './self-test.ts'
import type { Session } from './session-types.ts'

/** Where work and memory are read. */
export interface Gauge {
  /** Milliseconds, by the clock that fits the session (working-clock.ts). */
  workedMs(): number
  residentBytes(): number
}

export interface BatchLimits {
  /** From model.yaml; null: as measured. */
  readonly maxBatchSize: number | null
  readonly rowsMax: number
  /** Resident memory that must never be reached. */
  readonly memoryBytesMax: number
  readonly tolerance: Tolerance
}

export type BatchFindings = Pick<
  ProvingReport,
  'hasRowDimension' | 'batchingAgrees' | 'runUsByRows' | 'batchCap' | 'warnings'
>

const ROUNDS_MAX = 9
/** For the rounds of one size. */
const SIZE_MS = 25
/** A run that takes longer is not repeated. */
const SLOW_MS = 100
/** No larger size is begun after this. */
const ALL_MS = 3000
/** A size that may take longer, were its rows all as dear as before, is not tried. */
const RUN_MS_MAX = 5000
/** Share of the memory limit that the inputs of a batch may take. */
const BATCH_SHARE = 1 / 8
/** Share beyond which no larger size is begun: twice the rows take twice the memory at most. */
const RESIDENT_SHARE = 1 / 2

const TEXT_BYTES = 16

/** Bytes of a row, as near as texts allow. */
export const rowBytesOf = (row: readonly Tensor[]): number =>
  row.reduce(
    (sum, { data }) =>
      sum + data.length * (Array.isArray(data) ? TEXT_BYTES : data.BYTES_PER_ELEMENT),
    0,
  )

/** From best to worst. `single`: it takes no two rows at once. */
const VERDICTS = ['agrees', 'single', 'differs', 'otherRows'] as const
type Verdict = (typeof VERDICTS)[number]

const worse = (a: Verdict, b: Verdict): Verdict =>
  VERDICTS.indexOf(a) > VERDICTS.indexOf(b) ? a : b

const judge = (
  results: readonly Tensor[],
  tried: readonly TriedRow[],
  rows: number,
  tolerance: Tolerance,
): Verdict => {
  if (!rowsMatch(results, rows)) return 'otherRows'
  return answersAgree(results, tried, rows, tolerance) ? 'agrees' : 'differs'
}

/**
 * One size: the verdict on its first run, and microseconds of the fastest one: what else the
 * machine does can only add to them, and makes one size look dearer than another.
 */
const runSize = (
  session: Session,
  tried: readonly TriedRow[],
  rows: number,
  tolerance: Tolerance,
  { workedMs }: Gauge,
): { verdict: Verdict; us: number } => {
  const all = tried.map(({ inputs }) => inputs)
  const inputs = rows === 1 ? all[0]! : stackInputs(all, rows)
  let startedMs = workedMs()
  const results = session.run(inputs)
  const firstMs = workedMs() - startedMs
  const verdict = judge(results, tried, rows, tolerance)
  if (firstMs > SLOW_MS) return { verdict, us: firstMs * 1000 }
  const us: number[] = [] // without the first: it allocates
  const untilMs = workedMs() + SIZE_MS
  for (let round = 0; round < ROUNDS_MAX && (round === 0 || workedMs() < untilMs); round++) {
    startedMs = workedMs()
    session.run(inputs)
    us.push((workedMs() - startedMs) * 1000)
  }
  return { verdict, us: Math.min(...us) }
}

/**
 * Sizes 1, 2, 4 ... as long as they bring something and there are time and memory for them. A
 * `max_batch_size` is tried even if the sizes before have settled.
 */
const runSizes = (
  session: Session,
  tried: readonly TriedRow[],
  rowsMax: number,
  { memoryBytesMax, maxBatchSize, tolerance }: BatchLimits,
  gauge: Gauge,
): { runs: (readonly [rows: number, us: number])[]; verdict: Verdict } => {
  const runs: (readonly [number, number])[] = []
  const untilMs = gauge.workedMs() + ALL_MS
  const rowBytes = rowBytesOf(tried[0]?.inputs ?? [])
  let verdict: Verdict = 'agrees'
  for (let rows = 1; tried.length > 0; ) {
    const [before = 1, us = 0] = runs.at(-1) ?? []
    const isTooLarge =
      rows * rowBytes > memoryBytesMax * BATCH_SHARE ||
      gauge.residentBytes() > memoryBytesMax * RESIDENT_SHARE ||
      (us / 1000 / before) * rows > RUN_MS_MAX
    if (rows > 1 && isTooLarge) break
    try {
      const run = runSize(session, tried, rows, tolerance, gauge)
      runs.push([rows, run.us])
      verdict = worse(verdict, run.verdict)
    } catch {
      if (rows === 2) verdict = worse(verdict, 'single')
      break // larger batches than it takes are not offered to it
    }
    if (verdict === 'otherRows' || rows === rowsMax) break
    const isOver = hasSettled(runs) || gauge.workedMs() > untilMs
    if (isOver && maxBatchSize === null) break
    rows = isOver ? rowsMax : Math.min(rows * 2, rowsMax)
  }
  return { runs, verdict }
}

const isFree = ({ shape }: TensorSignature): boolean => shape[0] === -1

/** Why a version whose inputs have rows must be taken for one that has none; null: it need not. */
const whyWithoutRows = (
  outputs: readonly TensorSignature[],
  tried: readonly TriedRow[],
  verdict: Verdict,
): string | null => {
  const fixed = outputs.find((output) => !isFree(output))
  if (fixed !== undefined) {
    return `the output '${fixed.name}' is exported without a free first dimension: requests are not batched; give it that of the inputs`
  }
  const isByRow = verdict !== 'otherRows' && answersByRow(tried)
  return isByRow ? null : 'it does not answer one row for each row: requests are not batched'
}

/** Why rows of several requests must not share a run; null: they may. */
const whyApart = (
  tried: readonly TriedRow[],
  verdict: Verdict,
  sizes: number,
  rowsMax: number,
): string | null => {
  if (tried.length === 0) {
    return 'it refused every made-up row, so requests are not batched; add an example_row to profile.json'
  }
  if (verdict === 'differs') return 'rows alone and in a batch differ: requests are not batched'
  if (rowsMax === 1 || verdict === 'single') return null
  if (sizes === 1) return 'two of its rows are too much to try at once: requests are not batched'
  // Copies of one row hide whatever leaks from row to row.
  return tried.length === 1
    ? 'it refused every variation of the row that it was tried with: requests are not batched'
    : null
}

/** Runs `tried`, rows that the session answers alone, in batches of rising size. */
export const proveBatching = (
  session: Session,
  tried: readonly TriedRow[],
  limits: BatchLimits,
  gauge: Gauge,
): BatchFindings => {
  const { inputs, outputs } = session.signature
  const { maxBatchSize, rowsMax: measuredMax } = limits
  const allowed = Math.max(1, Math.min(measuredMax, maxBatchSize ?? measuredMax))
  const mayHaveRows = inputs.length > 0 && inputs.every(isFree)
  const isByRow = mayHaveRows && whyWithoutRows(outputs, tried, 'agrees') === null
  const rowsMax = isByRow ? allowed : 1
  const { runs, verdict } = runSizes(session, tried, rowsMax, limits, gauge)
  const withoutRows = mayHaveRows ? whyWithoutRows(outputs, tried, verdict) : null
  if (!mayHaveRows || withoutRows !== null) {
    return {
      hasRowDimension: false,
      batchingAgrees: false,
      runUsByRows: runs.slice(0, 1),
      batchCap: 0,
      warnings: withoutRows === null ? [] : [withoutRows],
    }
  }
  const apart = whyApart(tried, verdict, runs.length, rowsMax)
  return {
    hasRowDimension: true,
    batchingAgrees: apart === null,
    runUsByRows: runs,
    batchCap: maxBatchSize === null ? batchCap(runs) : (runs.at(-1)?.[0] ?? rowsMax),
    warnings: apart === null ? [] : [apart],
  }
}
