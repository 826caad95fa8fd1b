/** A replica as statistics sees it: it counts, and answers when it is told to. */

import { create } from '@bufbuild/protobuf'
import type { EnvelopeBody } from '../../proto/control-envelope.ts'
import {
  type DeadSums,
  SlotSchema,
  StatisticsSchema,
  ThreadStatisticsSchema,
} from '../../proto/gen/control_pb.ts'
import type { Askable } from '../../src/control/statistics.ts'
import { SLOT_DOUBLES } from '../../src/shared/counters.ts'

export interface PuppetPlace {
  readonly index: number
  readonly incarnation: number
  /** Epoch of its Hello: above 0, it has served before. */
  readonly epoch?: bigint
  readonly dead?: DeadSums
}

export class PuppetFigures implements Askable {
  readonly index: number
  readonly incarnation: number
  hello: { epoch: bigint; dead?: DeadSums | undefined }
  readonly slots = new Map<string, Float64Array>()
  cpuSeconds = 0
  /** How often it was asked. */
  asked = 0
  /** `held`: the answer is made at once, and sent by `release`. */
  mode: 'answers' | 'silent' | 'held' = 'answers'
  #release: (() => void)[] = []

  constructor({ index, incarnation, epoch = 0n, dead }: PuppetPlace) {
    this.index = index
    this.incarnation = incarnation
    this.hello = { epoch, dead }
  }

  get pid(): number {
    return 1000 + this.incarnation
  }

  /** Its counters for a key, to be raised by the test. */
  slot(key: string): Float64Array {
    const slot = this.slots.get(key) ?? new Float64Array(SLOT_DOUBLES)
    this.slots.set(key, slot)
    return slot
  }

  readonly link = {
    call: (): Promise<EnvelopeBody> => {
      this.asked++
      if (this.mode === 'silent') return Promise.reject(new Error('no answer in time'))
      const answer = this.#figures()
      if (this.mode === 'answers') return Promise.resolve(answer)
      return new Promise((resolve) => {
        this.#release.push(() => resolve(answer))
      })
    },
  }

  /** Sends the answers that were held. */
  release(): void {
    for (const send of this.#release.splice(0)) send()
  }

  #figures(): EnvelopeBody {
    const slots = [...this.slots].map(([key, values]) =>
      create(SlotSchema, { key, values: [...values] }),
    )
    const threads = [create(ThreadStatisticsSchema, { thread: 0, state: 'idle', inFlight: 2 })]
    const value = create(StatisticsSchema, { slots, threads, cpuSeconds: this.cpuSeconds })
    return { case: 'statistics', value }
  }
}
