/** A spool over files of a test's, with producers and a clock that stands still. */

import { join } from 'node:path'
import type { FileCalls } from '../../src/records/spool/file-calls.ts'
import { type Redactor, SpoolLayouts } from '../../src/records/spool/spool-layouts.ts'
import { mapRecordMemory, recordMemoryBytes } from '../../src/records/spool/spool-memory.ts'
import type { SpoolSettings } from '../../src/records/spool/spool-messages.ts'
import { SpoolWriter } from '../../src/records/spool/spool-writer.ts'
import { CrashFiles } from './crash-files.ts'
import { type FaultPlan, failingFiles } from './failing-files.ts'
import { endpointLayout } from './record-layouts.ts'
import { TestProducer } from './test-producer.ts'

export const FOLDER = '/state/spool'

const RING_BYTES = 64 * 1024

const LAYOUTS = [1, 2, 3].map((id) => endpointLayout({}, id))

export const spoolSettings = (given: Partial<SpoolSettings> = {}): SpoolSettings => ({
  folder: FOLDER,
  gateway: 'g7q2',
  replica: 0,
  incarnation: 1,
  threads: 2,
  ringBytes: RING_BYTES,
  durability: 'process',
  bytesMax: 2 ** 30,
  segmentBytesMax: 16 * 1024,
  segmentMsMax: 60_000,
  hmacKey: null,
  ...given,
})

export class RigClock {
  #monotonicMs = 1000
  now(): number {
    return Date.UTC(2025, 0, 1) + this.#monotonicMs
  }
  monotonic(): number {
    return this.#monotonicMs
  }
  pass(ms: number): void {
    this.#monotonicMs += ms
  }
}

export interface RigTerms {
  readonly files: FileCalls
  readonly settings: SpoolSettings
  readonly clock: RigClock
  readonly redactorOf?: () => Redactor | null
}

/** One replica: its memory, its data threads, and a spool thread that may be replaced. */
export class SpoolRig {
  readonly settings: SpoolSettings
  readonly producers: readonly TestProducer[]
  readonly states: string[] = []
  readonly faults: string[] = []
  readonly woken: number[] = []
  readonly figures: Float64Array
  readonly layouts: SpoolLayouts
  readonly #terms: RigTerms
  readonly #memory: SharedArrayBuffer
  #generation = 0
  spool: SpoolWriter

  constructor(terms: RigTerms) {
    this.#terms = terms
    this.settings = terms.settings
    const { threads, ringBytes, incarnation } = terms.settings
    this.#memory = new SharedArrayBuffer(recordMemoryBytes(threads, ringBytes))
    const own = mapRecordMemory(this.#memory, threads, ringBytes)
    this.producers = own.rings.map((ring, i) => new TestProducer(ring, incarnation * 100 + i))
    this.figures = own.spool.figures
    this.layouts = new SpoolLayouts(terms.redactorOf ?? (() => null))
    this.layouts.add(LAYOUTS)
    this.spool = this.#start(terms.files)
  }

  /** Another spool thread in the place of one that died, with files of its own. */
  replace(files: FileCalls): void {
    this.#generation++
    this.spool = this.#start(files)
  }

  /** Steps until there is nothing to do, or it cannot be done. */
  work(): void {
    while (this.spool.step() === 'more');
  }

  #start(files: FileCalls): SpoolWriter {
    const { threads, ringBytes } = this.settings
    return new SpoolWriter({
      files,
      settings: this.settings,
      generation: this.#generation,
      process: { pid: 4711, startTime: '1', bootId: 'b' },
      clock: this.#terms.clock,
      memory: mapRecordMemory(this.#memory, threads, ringBytes),
      layouts: this.layouts,
      onState: (state, detail) => this.states.push(`${state} ${detail}`),
      onFault: (detail) => this.faults.push(detail),
      wake: (thread) => this.woken.push(thread),
    })
  }
}

/** A file system in memory with the folder of the state on its disk. */
export const spoolDisk = (): CrashFiles => {
  const files = new CrashFiles()
  files.mkdir('/state')
  const root = files.open('/', 'r')
  files.fsync(root)
  files.close(root)
  return files
}

interface World {
  readonly disk: CrashFiles
  readonly clock: RigClock
  readonly rig: SpoolRig
}

/** A replica over a disk in memory, with faults. */
export const makeWorld = (
  given: Partial<SpoolSettings> = {},
  plan: FaultPlan = () => null,
  more: Partial<RigTerms> = {},
): World => {
  const disk = spoolDisk()
  const clock = new RigClock()
  const files = failingFiles(disk, plan)
  const rig = new SpoolRig({ files, settings: spoolSettings(given), clock, ...more })
  return { disk, clock, rig }
}

/** Records of layouts 1 and 2 in turn. */
export const produce = (rig: SpoolRig, count: number, payloadBytes = 200, thread = 0): void => {
  for (let i = 0; i < count; i++) rig.producers[thread]!.produce(payloadBytes, 1 + (i % 2))
}

/** Of the segments that there are. */
export const segmentFiles = (disk: CrashFiles): string[] => disk.readdir(FOLDER).sort()
export const folderBytes = (disk: CrashFiles): number =>
  segmentFiles(disk).reduce((sum, name) => sum + disk.stat(join(FOLDER, name))!.bytes, 0)
