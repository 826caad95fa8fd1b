/** Whether the sessions of a version live in data threads or in compute threads. Pure. */

import type { Placement, PlacementWish } from '../shared/placement.ts'

/** A data thread that runs a batch answers nobody meanwhile (design §3). */
export const INLINE_RUN_US_MAX = 1000

/** What the proving run found out. */
export interface PlacementFigures {
  /** Microseconds of a run, by rising rows; empty: it refused every made-up row. */
  readonly runUsByRows: readonly (readonly [rows: number, us: number])[]
  /** Rows of a full batch; 0: every request runs alone. */
  readonly rowsMax: number
  /** Resident memory of a session. */
  readonly memoryBytes: number
  /** GPU of each session, in turn; none: it runs on the CPU. */
  readonly gpus: readonly number[]
}

/** What model.yaml or config.pbtxt ask for. */
export interface PlacementAsked {
  readonly wish: PlacementWish
  /** Sessions in the compute threads of a replica; null: nobody said. */
  readonly instances: number | null
}

/** What there is for them. */
export interface PlacementHost {
  readonly replicas: number
  /** Of a replica, as `computeThreads`. */
  readonly dataThreads: number
  readonly computeThreads: number
  /** Most memory of all sessions of one version, in all replicas. */
  readonly sessionBytesMax: number
}

/** Runs of a version as it serves, added up. */
export interface LiveRuns {
  readonly runs: number
  readonly rows: number
  readonly seconds: number
}

const sizeAtMost = ({ runUsByRows }: PlacementFigures, rows: number) =>
  runUsByRows.filter(([size]) => size <= Math.max(1, rows)).at(-1) ?? runUsByRows[0]

/** Microseconds of a run of so many rows: between two measured sizes, or beyond the last. */
export const runUsAt = ({ runUsByRows }: PlacementFigures, rows: number): number => {
  const after = runUsByRows.findIndex(([size]) => size >= rows)
  if (after === 0 || runUsByRows.length === 0) return runUsByRows[0]?.[1] ?? Number.NaN
  if (after < 0) {
    const [size, us] = runUsByRows.at(-1)!
    return (us / size) * rows
  }
  const [[below, belowUs], [above, aboveUs]] = [runUsByRows[after - 1]!, runUsByRows[after]!]
  return belowUs + ((aboveUs - belowUs) * (rows - below)) / (above - below)
}

interface FullBatch {
  /** 0: no row dimension, or none that is known. */
  readonly rows: number
  readonly us: number
  readonly isLive: boolean
}

/**
 * A full batch. What serves rarely fills one, so that live runs tell by what factor the proving run
 * was wrong: it measured a session that had a core and its caches to itself. null: nobody knows.
 */
export const fullBatch = (figures: PlacementFigures, live: LiveRuns | null): FullBatch | null => {
  const proved = sizeAtMost(figures, figures.rowsMax)
  const isLive = live !== null && live.runs > 0
  const liveUs = isLive ? (live.seconds * 1e6) / live.runs : Number.NaN
  if (proved === undefined) return isLive ? { rows: 0, us: liveUs, isLive } : null
  const [size, us] = proved
  const rows = figures.rowsMax > 0 ? size : 0
  if (!isLive) return { rows, us, isLive }
  return { rows, us: (us * liveUs) / runUsAt(figures, live.rows / live.runs), isLive }
}

const ms = (us: number): string => `${(us / 1000).toPrecision(2)} ms`
const mib = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`
const count = (number: number, what: string): string =>
  `${number} ${what}${number === 1 ? '' : 's'}`

/** `a batch of 64 rows takes 3.2 ms` */
const batchText = ({ rows, us, isLive }: FullBatch): string => {
  const what = rows > 1 ? `a batch of ${rows} rows` : 'a run'
  return `${what} ${isLive ? 'takes, as it serves,' : 'takes'} ${ms(us)}`
}

/** `GPU 0`, or `GPUs 0, 1` */
const gpuText = (gpus: readonly number[]): string => {
  const each = [...new Set(gpus)]
  return `${each.length === 1 ? 'GPU' : 'GPUs'} ${each.join(', ')}`
}

interface Choice {
  readonly kind: Placement['kind']
  readonly why: string
}

const choose = (
  figures: PlacementFigures,
  { wish }: PlacementAsked,
  host: PlacementHost,
  live: LiveRuns | null,
): Choice => {
  const full = fullBatch(figures, live)
  if (figures.gpus.length > 0) {
    return {
      kind: 'pooled',
      why: `it runs on ${gpuText(figures.gpus)}, which no data thread may wait for`,
    }
  }
  if (host.computeThreads === 0) return { kind: 'inline', why: 'there are no compute threads' }
  const time = full === null ? 'how long a run takes is not known' : batchText(full)
  if (wish !== 'auto') return { kind: wish, why: `as its settings ask; ${time}` }
  const limit = `inline is for less than ${ms(INLINE_RUN_US_MAX)}`
  if (full === null) return { kind: 'pooled', why: `${time}, as it refused every made-up row` }
  if (!(full.us < INLINE_RUN_US_MAX)) return { kind: 'pooled', why: `${time}; ${limit}` }
  const sessions = host.dataThreads * host.replicas
  const bytes = figures.memoryBytes * sessions
  if (bytes <= host.sessionBytesMax) return { kind: 'inline', why: time }
  const each = `${count(sessions, 'session')} of ${mib(figures.memoryBytes)}`
  const why = `${each}, one for each data thread, are more than the ${mib(host.sessionBytesMax)} that a version may take`
  return { kind: 'pooled', why }
}

/** Sessions in a replica. */
const instancesOf = (
  { memoryBytes, gpus }: PlacementFigures,
  { instances: said }: PlacementAsked,
  { computeThreads, replicas, sessionBytesMax }: PlacementHost,
): number => {
  const fitting = Math.floor(sessionBytesMax / Math.max(1, memoryBytes * replicas))
  return Math.max(1, Math.min(computeThreads, askedOf(gpus, said) ?? fitting))
}

/** One for each GPU, as in Triton: another on the same one takes its memory once more. */
const askedOf = (gpus: readonly number[], said: number | null): number | null =>
  said ?? (gpus.length > 0 ? gpus.length : null)

/**
 * A sentence for the operator where a version has fewer sessions than are asked for, by `said` or
 * by its GPUs, or none on one of these; null: it has all of them.
 */
export const shortageOf = (
  { kind, instances }: Placement,
  gpus: readonly number[],
  said: number | null,
): string | null => {
  if (kind === 'inline') return null
  const asked = askedOf(gpus, said) ?? 0
  const held = new Set(gpus.slice(0, instances))
  const idle = [...new Set(gpus)].filter((gpu) => !held.has(gpu))
  const without = idle.length === 0 ? '' : `, and none on ${gpuText(idle)}`
  const has = `it has ${count(instances, 'session')} in each replica${without}`
  if (instances < asked) {
    return `${has}: ${asked} are asked for, and server.compute_threads is ${instances}`
  }
  return idle.length === 0 ? null : `${has}: so many are asked for`
}

/**
 * Inline only if a full batch takes less than 1 ms and the sessions fit their memory; everything
 * else is pooled, and so is all GPU work. A wish is obeyed where it can be.
 */
export const placeVersion = (
  figures: PlacementFigures,
  asked: PlacementAsked,
  host: PlacementHost,
  live: LiveRuns | null = null,
): Placement => {
  const { kind, why } = choose(figures, asked, host, live)
  if (kind === 'inline') return { kind, instances: 0, reason: `${kind}: ${why}` }
  const instances = instancesOf(figures, asked, host)
  const many = `${count(instances, 'session')} in each replica`
  return { kind, instances, reason: `${kind}: ${why}; ${many}` }
}
