/** One replica of one thread, as it really is, whose spool thread and figures tell of it late. */

import { create } from '@bufbuild/protobuf'
import { type RecordFigures, RecordFiguresSchema } from '../../../proto/gen/control_pb.ts'
import { GAP_REASON } from '../../../src/records/reasons.ts'
import { FRAME } from '../../../src/records/spool/segment-format.ts'
import { gapEntry } from '../ring-entries.ts'
import { HEADER, type PlannedFrame, SEAL } from '../segments.ts'
import { ended, entriesFrame, record } from './frames.ts'
import { layoutFrame, type ShippingWorld } from './shipping-world.ts'

export class CountedReplica {
  readonly #world: ShippingWorld
  readonly incarnation: number
  /** By its own count, and how far its frames say that it was. */
  taken = 0
  told = 0
  /** Sequences that are records in the spool, or were. */
  recorded = 0
  #dropped: number[] = []
  #full = 0
  #number = 1
  #frames: PlannedFrame[] = [layoutFrame()]

  constructor(world: ShippingWorld, incarnation: number) {
    this.#world = world
    this.incarnation = incarnation
    world.alive.add(this.#pid)
    this.#put({ kind: FRAME.BEGIN, account: { thread: 0, count: 0, floor: 1, taken: 0 } })
  }

  get #pid(): number {
    return 1000 + this.incarnation
  }

  request(): void {
    this.taken += 3
  }

  /** The next one finds no room in the ring. */
  full(): void {
    this.taken++
    this.#dropped.push(this.taken)
    this.#full++
  }

  /** Brings what is in the ring into the spool. */
  write(): void {
    if (this.told === this.taken) return
    const entries: Uint8Array[] = []
    for (let sequence = this.told + 1; sequence <= this.taken; sequence++) {
      if (this.#dropped.includes(sequence)) {
        entries.push(gapEntry([{ from: sequence, to: sequence, reason: GAP_REASON.RING_FULL }]))
        continue
      }
      entries.push(record(sequence))
      this.recorded++
    }
    this.#put(entriesFrame(entries, this.taken))
    this.told = this.taken
  }

  /** The next frame is in another segment. */
  seal(): void {
    if (this.#frames.length === 1) return
    this.#put(SEAL)
    this.#number++
    this.#frames = [layoutFrame()]
  }

  kill(): void {
    this.#world.alive.delete(this.#pid)
  }

  end(): void {
    this.write()
    this.#put(ended(this.taken))
    this.#put(SEAL)
    this.kill()
  }

  figures(): RecordFigures {
    const dropped: number[] = []
    dropped[GAP_REASON.RING_FULL] = this.#full
    return create(RecordFiguresSchema, {
      ...{ taken: [this.taken], spooled: this.recorded },
      dropped: Array.from(dropped, (count = 0) => count),
    })
  }

  #put(frame: PlannedFrame): void {
    this.#frames.push(frame)
    const process = { ...HEADER.process, pid: this.#pid }
    this.#world.put({ incarnation: this.incarnation, number: this.#number, process }, this.#frames)
  }
}
