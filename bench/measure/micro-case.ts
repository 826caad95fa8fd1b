/** One micro benchmark and how it is measured. */

import { spreadOf } from './statistics.ts'

/** A file of bench/cases exports any number of these, singly or in arrays. */
export interface MicroCase {
  /** What one operation is, with its size: `decode 30 floats, features`. */
  readonly name: string
  /**
   * Prepares everything that is not measured and returns the operation. The number that the
   * operation returns must depend on its work, lest it be optimised away; run again and again, it
   * must return the same series of numbers in every process.
   */
  readonly setup: () => () => number
  /** Numbers that one operation decodes, where what one takes is judged. */
  readonly numbers?: number
}

/** Most nanoseconds that a number of a judged case may take. */
export const NUMBER_NS_MAX = 8

export interface MicroResult {
  readonly name: string
  /** Nanoseconds of one operation: the least disturbed sample, and the middle one. */
  readonly lowestNs: number
  readonly medianNs: number
  /** Hash of the numbers that the first operations returned: same work, same hash. */
  readonly work: string
  /** Of `lowestNs`, for one number; null where the case is not judged. */
  readonly numberNs: number | null
}

export interface MicroBudget {
  readonly samples: number
  readonly sampleMs: number
  /** Monotonic milliseconds. */
  readonly monotonic: () => number
}

/** Operations whose results are hashed; they warm up the code as well. */
const HASHED = 2_000

/** FNV-1a over the bytes of each number as float64, as 8 hexadecimal digits. */
export const hashNumbers = (numbers: Iterable<number>): string => {
  const bytes = new DataView(new ArrayBuffer(8))
  let hash = 0x811c9dc5
  for (const number of numbers) {
    bytes.setFloat64(0, number)
    for (let i = 0; i < 8; i++) hash = Math.imul(hash ^ bytes.getUint8(i), 0x01000193)
  }
  return (hash >>> 0).toString(16).padStart(8, '0')
}

let sink = 0

const timeMs = (operation: () => number, times: number, monotonic: () => number): number => {
  const startMs = monotonic()
  let sum = 0
  for (let i = 0; i < times; i++) sum += operation()
  const endMs = monotonic()
  sink += sum
  return endMs - startMs
}

/** Doubles the number of operations until they take as long as one sample should. */
const calibrate = (operation: () => number, budget: MicroBudget): number => {
  let times = 1
  while (timeMs(operation, times, budget.monotonic) < budget.sampleMs && times < 2 ** 30) times *= 2
  return times
}

export const measureCase = (
  { name, setup, numbers }: MicroCase,
  budget: MicroBudget,
): MicroResult => {
  const operation = setup()
  const work = hashNumbers(Array.from({ length: HASHED }, operation))
  const times = calibrate(operation, budget)
  const samplesNs = Array.from(
    { length: budget.samples },
    () => (timeMs(operation, times, budget.monotonic) * 1e6) / times,
  )
  const { lowest, median } = spreadOf(samplesNs)
  return {
    name,
    lowestNs: lowest,
    medianNs: median,
    work: Number.isNaN(sink) ? 'NaN' : work,
    numberNs: numbers === undefined ? null : lowest / numbers,
  }
}

const isCase = (value: unknown): value is MicroCase =>
  typeof value === 'object' && value !== null && 'name' in value && 'setup' in value

/** All cases among the exports of a module. */
export const casesOf = (exports: object): MicroCase[] =>
  Object.values(exports)
    .flat()
    .filter((value) => isCase(value))
