/** A replica as statistics sees it: it counts, and answers when it is told to. */

import { create } from '@bufbuild/protobuf'
import type { EnvelopeBody } from '../../proto/control-envelope.ts'
import {
  type DeadSums,
  type Statistics,
  StatisticsSchema,
  ThreadStatisticsSchema,
} from '../../proto/gen/control_pb.ts'
import { slotMessage } from '../../src/control/figures/slot-sums.ts'
import type { Askable } from '../../src/control/figures/statistics.ts'
import { SLOT_DOUBLES } from '../../src/shared/counters.ts'

export interface PuppetPlace {
  readonly index: number
  readonly incarnation: number
  /** Epoch of its Hello: above 0, it has served before. */
  readonly epoch?: bigint
  readonly dead?: DeadSums
}

interface Question {
  /** Figures of when it was asked; null: those of when it is answered. */
  readonly figures: Statistics | null
  resolve(answer: EnvelopeBody): void
  reject(error: Error): void
}

export class PuppetFigures implements Askable {
  readonly index: number
  readonly incarnation: number
  hello: { epoch: bigint; dead?: DeadSums | undefined }
  readonly slots = new Map<string, Float64Array>()
  cpuSeconds = 0
  /** How often it was asked. */
  asked = 0
  /**
   * `held`: the answer is made at once, and sent by `release`. `silent`: it is made and sent by
   * `release`.
   */
  mode: 'answers' | 'silent' | 'held' = 'answers'
  #open: Question[] = []

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
      if (this.mode === 'answers') return Promise.resolve(answerOf(this.figures()))
      const figures = this.mode === 'held' ? this.figures() : null
      return new Promise((resolve, reject) => {
        this.#open.push({ figures, resolve, reject })
      })
    },
  }

  /** Sends the answers that are due. */
  release(): void {
    for (const { figures, resolve } of this.#open.splice(0)) {
      resolve(answerOf(figures ?? this.figures()))
    }
  }

  /** Its link closes: nothing that was asked is answered any more. */
  hangUp(): void {
    for (const { reject } of this.#open.splice(0)) reject(new Error('The link was closed'))
  }

  /** As a replica tells them: slots in which nothing was counted are left out. */
  figures(): Statistics {
    const touched = [...this.slots].filter(([, slot]) => slot.some((value) => value !== 0))
    return create(StatisticsSchema, {
      slots: touched.map(([key, slot]) => ({ ...slotMessage(key, slot), doubles: slot.length })),
      threads: [create(ThreadStatisticsSchema, { thread: 0, state: 'idle', inFlight: 2 })],
      cpuSeconds: this.cpuSeconds,
    })
  }
}

const answerOf = (value: Statistics): EnvelopeBody => ({ case: 'statistics', value })
