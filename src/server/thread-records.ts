/** What a data thread has for its records, put together. */

import type { MessagePort } from 'node:worker_threads'
import { RecordWriter } from '../records/record-writer.ts'
import { GapBook } from '../records/ring/gap-book.ts'
import { RING_DOUBLE, RING_WORD } from '../records/ring/record-ring.ts'
import { ANSWER_FIGURE, mapRecordMemory, ringBell } from '../records/spool/spool-memory.ts'
import type { Turns } from '../runtime/batcher-policy.ts'
import type { Clock } from '../shared/clock.ts'
import type { RecordSettings } from '../shared/record-settings.ts'
import type { Account } from './account.ts'
import { GatheringTurns } from './gathering-turns.ts'
import type { Pending } from './pending.ts'
import { Recording } from './recording.ts'
import { Release } from './release.ts'
import type { Traces } from './traces.ts'

/** At its end a thread waits so long, so often, for room to say why there are no records. */
const CLOSE_MS = 10
const CLOSE_TIMES_MAX = 10

/** Between two reports of faults: one that comes with every request is but one. */
const FAULT_MS = 1000

export interface ThreadRecordsParts {
  readonly settings: RecordSettings
  /** Of the replica, all in one block (spool-memory.ts). */
  readonly memory: SharedArrayBuffer
  readonly threads: number
  /** Most bytes of answers that wait for their records. */
  readonly heldBytesMax: number
  readonly thread: number
  /** `<gateway>.<replica>.<thread>-<incarnation>` */
  readonly producer: string
  readonly account: Account
  readonly traces: Traces | null
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  readonly turns: Turns
  /** Waits until the word at `index` is not `value`, at most so long. */
  wait(words: Int32Array, index: number, value: number, ms: number): void
  /** Answers a request whose record cannot be written, or not in time. */
  refuse(pending: Pending): void
  onFault(thrown: unknown): void
}

export interface ThreadRecords {
  readonly recording: Recording
  /** null: answers wait for nothing. */
  readonly release: Release | null
  /** When queues of versions run what they have. */
  readonly turns: Turns
  /** The spool thread wakes this one by a message. */
  connect(port: MessagePort): void
  onBeat(): void
  /**
   * The thread ends: nothing is written down any more. `isCut`: requests are under way, which have
   * no record for that reason.
   */
  close(isCut: boolean): void
}

export const threadRecords = (parts: ThreadRecordsParts): ThreadRecords => {
  const { settings, thread, account, traces, clock, turns } = parts
  const onFault = sparing(clock.monotonic, parts.onFault)
  const memory = mapRecordMemory(parts.memory, parts.threads, settings.ringBytes)
  const ring = memory.rings[thread]!
  const figures = memory.answers[thread]!
  const mayDrop = settings.whenFull === 'drop'
  const { recordBytesMax } = settings
  const gaps = new GapBook(memory.gaps[thread]!)
  const writer = new RecordWriter({
    ...{ ring, gaps, producer: parts.producer, recordBytesMax, promises: !mayDrop },
  })
  const recording = new Recording({ ring, writer, clock, waits: !mayDrop, onFault })
  const release =
    settings.durability === 'memory'
      ? null
      : new Release({
          ...{ ring, mayDrop, account, traces, onFault, monotonic: clock.monotonic },
          ...{ soon: (task) => turns.soon(task), refuse: parts.refuse },
          bytesMax: parts.heldBytesMax,
          wakeSpool: () => ringBell(memory.spool.words),
          onUndurable: () => {
            figures[ANSWER_FIGURE.UNDURABLE]! += 1
          },
        })
  return {
    ...{ recording, release },
    turns:
      release === null
        ? turns
        : new GatheringTurns({
            turns,
            taken: () => ring.headDoubles[RING_DOUBLE.TAKEN]!,
            onRan: release.ring,
          }),
    connect: (port) => {
      if (release !== null) port.on('message', release.look)
    },
    onBeat: () => {
      recording.onBeat()
      release?.look()
      figures[ANSWER_FIGURE.HELD] = release?.count ?? 0
    },
    close: (isCut) => {
      for (let times = 0; !recording.close(isCut) && times < CLOSE_TIMES_MAX; times++) {
        const read = Atomics.load(ring.head, RING_WORD.READ)
        ringBell(memory.spool.words)
        // Nobody notifies: nothing else waits for it.
        parts.wait(ring.head, RING_WORD.READ, read, CLOSE_MS)
      }
    },
  }
}

/** Reports the first of many faults, and how many there were with the next one. */
const sparing = (
  monotonic: () => number,
  onFault: (thrown: unknown) => void,
): ((thrown: unknown) => void) => {
  let lastMs = Number.NEGATIVE_INFINITY
  let count = 0
  return (thrown) => {
    count++
    const nowMs = monotonic()
    if (nowMs - lastMs < FAULT_MS) return
    lastMs = nowMs
    onFault(count === 1 ? thrown : new Error(`${count} faults of records`, { cause: thrown }))
    count = 0
  }
}
