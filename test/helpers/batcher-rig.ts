/** A batcher over a session that counts, its numbered members, and what became of them. */

import type { BatcherHandlers, Place } from '../../src/runtime/batch-runs.ts'
import { Batcher } from '../../src/runtime/batcher.ts'
import type { BatcherPolicy } from '../../src/runtime/batcher-policy.ts'
import { CostModel } from '../../src/runtime/cost-model.ts'
import type { DecodeTarget, Queued } from '../../src/runtime/row-queue.ts'
import type { Session } from '../../src/runtime/session-types.ts'
import { ThreadWork } from '../../src/runtime/thread-work.ts'
import type { PlannedVersion } from '../../src/shared/epoch-plan.ts'
import { DEFAULT_QUEUE } from '../../src/shared/queue-policy.ts'
import type { Tensor } from '../../src/shared/tensor.ts'
import { CountingSession } from './counting-session.ts'
import { PuppetTurns } from './puppet-turns.ts'

export interface Outcome {
  readonly answer?: readonly (number | string)[]
  readonly code?: string
  readonly detail?: string
  readonly badRow?: number
  readonly fault?: unknown
}

export interface RigOptions {
  readonly policy?: Partial<BatcherPolicy>
  /** Shape of a row of the one input. */
  readonly innerShape?: readonly number[]
  readonly session?: Session
  /** Milliseconds that a run takes, or that one of so many rows does. */
  readonly runMs?: number | ((rows: number) => number)
  /** Called before each run, with the first value of each row. */
  readonly onRun?: (values: readonly number[]) => void
  /** What runs cost before the first one; nothing unless given. */
  readonly runUsByRows?: PlannedVersion['runUsByRows']
  /** Members whose `onDone` or `onFailed` throws. */
  readonly throwsFor?: ReadonlySet<number>
}

export interface Asker extends Queued {
  readonly number: number
}

/** The rows at a place of the first of some tensors; all of it, where the model has no rows. */
export const rowsAt = (
  [tensor]: readonly Tensor[],
  { rowStart, rows }: Place,
  hasRows: boolean,
): number[] => {
  const { data, shape } = tensor!
  const stride = data.length / Math.max(1, shape[0]!)
  const part = data.slice(rowStart * stride, (rowStart + rows) * stride)
  return [...((hasRows ? part : data) as Float32Array)]
}

const NO_TERMS: Queued = { priority: 0, deadlineMs: Infinity, timeoutMs: Infinity }

const POLICY: BatcherPolicy = {
  rowsMax: 8,
  mixesRequests: true,
  preferredRows: [],
  queueDelayUsMax: 0,
  queueRowsMax: 1000,
  keptValuesMax: 1000,
  queueWorkMsMax: 1000,
  queue: DEFAULT_QUEUE,
}

export class BatcherRig {
  readonly turns = new PuppetTurns()
  readonly batcher: Batcher<Asker>
  readonly cost: CostModel
  readonly work = new ThreadWork()
  /** May be replaced to look at more than the outcomes. */
  readonly handlers: BatcherHandlers<Asker>
  /** What became of each member, by its number. */
  readonly outcomes = new Map<number, Outcome[]>()
  /** The inputs of each, as it was told of them when it left; null: of none. */
  readonly inputs = new Map<number, readonly number[] | null>()
  /** Places that it was told of: what is told may not be kept. */
  readonly places = new Set<Place>()
  /** Rows of every run that gave answers, and its first member. */
  readonly served: (readonly [first: number, rows: number])[] = []
  /** Rows of every call of the model. */
  readonly calls: number[] = []
  /** Rows that wait, by what was told of them. */
  queuedRows = 0
  /** Members in the queue, by what was told of them. */
  readonly pending = new Set<number>()
  /** Calls that were not marked for the watchdog. */
  unmarked = 0
  readonly #askers = new Map<number, Asker>()
  readonly target: DecodeTarget = { columns: [], row: 0, room: 0 }
  #isRunning = false

  constructor(options: RigOptions = {}) {
    const { policy, innerShape = [2], runMs = 0, throwsFor = new Set() } = options
    const inner = options.session ?? new CountingSession(innerShape)
    const session: Session = {
      signature: inner.signature,
      run: (inputs) => {
        const [rows = 0] = inputs[0]!.shape
        const data = inputs[0]!.data as Float32Array
        this.calls.push(rows)
        options.onRun?.(Array.from({ length: rows }, (_, i) => data[(i * data.length) / rows]!))
        if (!this.#isRunning) this.unmarked++
        this.turns.nowMs += typeof runMs === 'number' ? runMs : runMs(rows)
        return inner.run(inputs)
      },
      dispose: () => {},
    }
    const hasRows = policy?.rowsMax !== 0
    const note = (member: number, place: Place) => {
      const { inputs } = place
      this.inputs.set(member, inputs === null ? null : rowsAt(inputs, place, hasRows))
      this.places.add(place)
      if (throwsFor.has(member)) throw new Error(`for ${member}`)
    }
    const leave = (member: number, outcome: Outcome) => {
      if (this.pending.has(member)) throw new Error(`${member} is still in the queue`)
      this.outcomes.set(member, [...(this.outcomes.get(member) ?? []), outcome])
    }
    this.handlers = {
      onQueueRows: (delta) => {
        this.queuedRows += delta
      },
      onRunStart: () => {
        this.#isRunning = true
      },
      onRunEnd: () => {
        this.#isRunning = false
      },
      onQueued: ({ number }) => {
        if (this.pending.has(number)) throw new Error(`${number} joins twice`)
        this.pending.add(number)
      },
      onUnqueued: ({ number }) => {
        if (!this.pending.delete(number)) throw new Error(`${number} was not in the queue`)
      },
      onServed: ({ number }, rows) => this.served.push([number, rows]),
      onDone: ({ number: member }, results, place) => {
        note(member, place)
        leave(member, { answer: rowsAt(results, place, hasRows) })
      },
      onFailed: ({ number: member }, { code, detail }, badRow, place) => {
        note(member, place)
        leave(member, { code, detail, badRow })
      },
      onFault: ({ number: member }, fault) => leave(member, { fault }),
    }
    this.cost = new CostModel(options.runUsByRows ?? [])
    const { cost, work, turns } = this
    const surroundings = { session, cost, work, turns }
    this.batcher = new Batcher(surroundings, { ...POLICY, ...policy }, this.handlers)
  }

  /** The member of that number; with terms only at first. */
  asker(number: number, terms: Partial<Queued> = {}): Asker {
    const known = this.#askers.get(number)
    if (known !== undefined) return known
    const asker = { number, ...NO_TERMS, ...terms }
    this.#askers.set(number, asker)
    return asker
  }

  cancel(member: number): boolean {
    return this.batcher.cancel(this.asker(member))
  }

  /** A request whose rows repeat one value each, decoded in place if there is room. */
  admit(member: number, values: readonly number[]): void {
    this.batcher.openTarget(this.target)
    const { columns, row, room } = this.target
    if (room < values.length) {
      this.#admitTensor(member, values, 2)
      return
    }
    const column = columns[0] as Float32Array
    const stride = column.length / this.batcher.denseRows
    for (const [i, value] of values.entries()) {
      column.fill(value, (row + i) * stride, (row + i + 1) * stride)
    }
    this.batcher.admitInPlace(this.asker(member), values.length, this.turns.nowMs)
  }

  /** A request with a tensor of its own, of `width` elements a row. */
  admitTensors(member: number, values: readonly number[], width = 2): void {
    this.batcher.openTarget(this.target) // as the request path does before it decodes
    this.#admitTensor(member, values, width)
  }

  #admitTensor(member: number, values: readonly number[], width: number): void {
    const data = new Float32Array(repeated(values, width))
    const tensor: Tensor = { datatype: 'FP32', shape: [values.length, width], data }
    this.batcher.admitTensors(this.asker(member), [tensor], values.length, this.turns.nowMs)
  }

  /** Turns until nothing is due, with so much time between them. */
  settle(ms = 10): void {
    for (let i = 0; i < 1000 && !this.turns.isIdle; i++) {
      this.turns.turn()
      this.turns.advance(ms)
    }
  }
}

/** The elements of rows of one value each. */
export const repeated = (values: readonly number[], width = 2): number[] =>
  values.flatMap((value) => new Array<number>(width).fill(value))

/** What the counting session answers to rows of one value each. */
export const doubled = (values: readonly number[], width = 2): number[] =>
  repeated(values, width).map((value) => value * 2)
