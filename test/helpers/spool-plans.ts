/** What happens to a spool in a world that fails: plans for test/helpers/spool-world.ts. */

import fc from 'fast-check'
import { ENTRY_HEADER_BYTES } from '../../src/records/entry.ts'
import type { FileCalls } from '../../src/records/spool/file-calls.ts'
import type { Durability } from '../../src/shared/record-settings.ts'
import type { Fault } from './failing-files.ts'

/** Of one record. */
export const ENTRY_BYTES_MAX = 8192

export type Death = 'thread' | 'process' | 'power'

export type SpoolAction =
  | { do: 'produce'; thread: number; count: number; bytes: number; layout: number }
  | { do: 'skip'; thread: number }
  | { do: 'flush'; thread: number }
  | { do: 'step' }
  | { do: 'pass'; ms: number }
  | { do: 'ship' }
  /** `times` calls after the next `after` fail; of one kind, or any. */
  | { do: 'fail'; call: keyof FileCalls | null; after: number; times: number; fault: Fault }
  /** The next but `after` calls is the last one. `share`: of what was not synced, that stays. */
  | { do: 'die'; how: Death; after: number; where: 'before' | 'after' | 'middle'; share: number }
  /** Drained in order, and begun again. */
  | { do: 'restart' }

const failure: fc.Arbitrary<SpoolAction> = fc.record({
  do: fc.constant('fail'),
  call: fc.constantFrom<(keyof FileCalls | null)[]>('write', 'fsync', 'open', 'ftruncate', null),
  after: fc.nat(6),
  times: fc.oneof(fc.constant(1), fc.nat(8)),
  fault: fc.constantFrom<Fault[]>(
    ...['ENOSPC', 'EIO', 'EMFILE', 'EINTR'].map((errno) => ({ errno })),
    { short: true },
  ),
})

const death: fc.Arbitrary<SpoolAction> = fc.record({
  do: fc.constant('die'),
  how: fc.constantFrom<Death[]>('thread', 'process', 'power'),
  after: fc.nat(12),
  where: fc.constantFrom('before', 'after', 'middle'),
  share: fc.constantFrom(0, 0.1, 0.5, 0.9, 1),
})

const action: fc.Arbitrary<SpoolAction> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('produce'),
      thread: fc.nat(1),
      count: fc.integer({ min: 1, max: 12 }),
      bytes: fc.oneof(fc.nat(600), fc.nat(ENTRY_BYTES_MAX - ENTRY_HEADER_BYTES)),
      layout: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('skip'), thread: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('flush'), thread: fc.nat(1) }) },
  { weight: 10, arbitrary: fc.constant<SpoolAction>({ do: 'step' }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.constantFrom(5, 1001, 70_000) }),
  },
  { weight: 1, arbitrary: fc.constant<SpoolAction>({ do: 'ship' }) },
  { weight: 3, arbitrary: failure },
  { weight: 2, arbitrary: death },
  { weight: 1, arbitrary: fc.constant<SpoolAction>({ do: 'restart' }) },
)

export interface SpoolPlan {
  readonly durability: Durability
  readonly bytesMax: number
  readonly segmentBytesMax: number
  /** Of the parts that outlive a power failure. */
  readonly seed: number
  readonly actions: readonly SpoolAction[]
}

export const spoolPlan: fc.Arbitrary<SpoolPlan> = fc.record({
  durability: fc.constantFrom<Durability[]>('memory', 'process', 'power'),
  bytesMax: fc.constantFrom(40_000, 200_000, 2 ** 30),
  segmentBytesMax: fc.constantFrom(1000, 8000, 50_000),
  seed: fc.nat(),
  actions: fc.array(action, { maxLength: 60, size: 'max' }),
})
