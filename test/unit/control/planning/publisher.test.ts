import { create } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import type { EnvelopeBody } from '../../../../proto/control-envelope.ts'
import { CommittedSchema, PreparedSchema } from '../../../../proto/gen/control_pb.ts'
import type { PlanBody } from '../../../../src/control/planning/planner.ts'
import { Publisher } from '../../../../src/control/planning/publisher.ts'
import type { Preparer } from '../../../../src/control/planning/round.ts'
import type { StoredEpoch } from '../../../../src/control/state/stored-epoch.ts'
import {
  type EpochPlan,
  encodeJson,
  type PlannedEndpoint,
  type PlannedVersion,
  type PrepareFailure,
} from '../../../../src/shared/epoch-plan.ts'
import { createLogger } from '../../../../src/shared/logger.ts'
import { INLINE } from '../../../../src/shared/placement.ts'
import { DEFAULT_QUEUE } from '../../../../src/shared/queue-policy.ts'
import { UNRECORDED } from '../../../../src/shared/record-policy.ts'
import { DEFAULT_SESSION } from '../../../../src/shared/session-settings.ts'
import { FakeClock } from '../../../helpers/fake-clock.ts'
import { signatureOf } from '../../../helpers/proving-report.ts'

const endpoint = (name: string, revision: number): PlannedEndpoint => ({
  ...{ name, model: name, revision, salt: name, bucketRuns: [[10_000, 0]] },
  contract: { features: [], tensors: [] },
  variants: [{ name: 'v1', version: 1, weightBp: 10_000 }],
  records: UNRECORDED,
})

const body = (more: Partial<PlanBody> = {}): PlanBody => ({
  ...{ versions: [], endpoints: [endpoint('a', 1)], unavailable: [], defaultEndpoint: 'a' },
  ...more,
})

const planned = (version: number): PlannedVersion => ({
  ...{ model: 'a', version, digest: `${version}`, provenFile: '', provenSha256: `${version}` },
  signature: signatureOf(2),
  manifest: null,
  batching: { rowsMax: 1, mixesRequests: false, preferredRows: [], queueDelayUsMax: 0 },
  exampleRow: null,
  session: DEFAULT_SESSION,
  queue: DEFAULT_QUEUE,
  placement: INLINE,
  runUsByRows: [],
  warmups: [],
  warmupFiles: {},
})

const FAILURE: PrepareFailure = { model: 'a', version: 1, code: 'PREPARE_FAILED', detail: 'no' }

type Manner = 'well' | 'failing' | 'dead' | 'silent' | 'superseded' | 'forgetful'

/** A replica of a manner, and what it was asked. */
const replicaOf = (clock: FakeClock, manner: Manner, more: Partial<Preparer['hello']> = {}) => {
  const asked: string[] = []
  const limitsMs: number[] = []
  let incarnation = 0
  const answer = ({ case: kind, value }: EnvelopeBody): EnvelopeBody => {
    if (kind === 'commit') {
      const epoch = manner === 'forgetful' ? 0n : value.epoch
      return { case: 'committed', value: create(CommittedSchema, { epoch, httpEngine: 'uws' }) }
    }
    if (kind !== 'prepare') throw new Error(`Nobody asks for ${kind}`)
    const epoch = manner === 'superseded' ? 0n : value.epoch
    const failures = encodeJson(manner === 'failing' ? [FAILURE] : [])
    return { case: 'prepared', value: create(PreparedSchema, { epoch, failures }) }
  }
  const replica: Preparer = {
    index: 0,
    incarnation: ++incarnation,
    isLeaving: false,
    hello: { epoch: 0n, plan: new Uint8Array(), httpEngine: '', ...more },
    link: {
      call: async (asking, limitMs) => {
        asked.push(asking.case ?? '')
        limitsMs.push(limitMs)
        if (manner === 'dead') throw new Error('The link is closed')
        if (manner !== 'silent') return answer(asking)
        await clock.advance(limitMs)
        throw new Error('No answer')
      },
    },
  }
  return { replica, asked, limitsMs }
}

const publisherOf = (
  manners: readonly Manner[],
  stored: StoredEpoch | null = null,
  loadMsMax = 60_000,
) => {
  const clock = new FakeClock()
  const all = manners.map((manner, i) => {
    const made = replicaOf(clock, manner)
    return { ...made, replica: { ...made.replica, index: i, incarnation: i + 1 } }
  })
  const replaced: number[] = []
  const written: StoredEpoch[] = []
  const publisher = new Publisher(
    {
      clock,
      loadMsMax,
      logger: createLogger({ level: 'silent', component: 'test' }),
      replicas: () => all.map(({ replica }) => replica),
      replace: ({ index }) => void replaced.push(index),
      writeEpoch: (epoch) => void written.push(epoch),
    },
    stored,
  )
  return { publisher, all, replaced, written, clock }
}

describe('publish()', () => {
  test('writes, then commits, and knows who serves', async () => {
    const { publisher, all, written } = publisherOf(['well', 'well'])
    expect(await publisher.publish(body())).toMatchObject({ isCommitted: true })
    expect(written).toMatchObject([{ epoch: 1, endpoints: [{ name: 'a' }] }])
    for (const { replica, asked } of all) {
      expect(asked).toEqual(['prepare', 'commit'])
      expect([publisher.isCurrent(replica), publisher.engineOf(replica)]).toEqual([true, 'uws'])
    }
    expect([publisher.plan?.epoch, publisher.changes]).toEqual([1, 1])
  })

  test.each([
    ['a version failed', ['well', 'failing'], { failures: [{ failure: FAILURE }] }],
    ['nobody is ready', ['dead'], { lost: [{ how: 'died' }] }],
    ['nobody answers', ['silent'], { lost: [{ how: 'silent' }] }],
    ['another plan took its place', ['superseded'], {}],
    ['nobody is there', [], {}],
  ] as const)('changes nothing when %s', async (_, manners, found) => {
    const { publisher, written, all } = publisherOf(manners)
    expect(await publisher.publish(body())).toMatchObject({ isCommitted: false, ...found })
    expect([written, publisher.plan]).toEqual([[], null])
    for (const { asked } of all) expect(asked).toEqual(['prepare'])
  })

  test('goes on without those that died or were silent, and has the silent replaced', async () => {
    const { publisher, replaced } = publisherOf(['well', 'dead', 'silent'])
    const round = await publisher.publish(body())
    expect(round).toMatchObject({ isCommitted: true, lost: [{ how: 'died' }, { how: 'silent' }] })
    expect(replaced).toEqual([2])
  })

  test('has one replica prepare first where an epoch is served', async () => {
    const { publisher, all } = publisherOf(['failing', 'well'])
    const plan: EpochPlan = { epoch: 7, ...body() }
    publisher.welcome({
      ...all[0]!.replica,
      hello: { epoch: 7n, plan: encodeJson(plan), httpEngine: 'uws' },
    })
    expect(await publisher.publish(body({ endpoints: [] }))).toMatchObject({ isCommitted: false })
    expect(all.map(({ asked }) => asked)).toEqual([['prepare'], []])
  })

  test('has one that serves the present epoch prepare first', async () => {
    const { publisher, all } = publisherOf(['failing', 'well'])
    const plan: EpochPlan = { epoch: 7, ...body({ versions: [planned(1)] }) }
    publisher.welcome({
      ...all[1]!.replica,
      hello: { epoch: 7n, plan: encodeJson(plan), httpEngine: 'uws' },
    })
    const next = body({ versions: [planned(1), planned(2)] })
    expect(await publisher.publish(next)).toMatchObject({ isCommitted: true })
    expect(all.map(({ asked }) => asked)).toEqual([['prepare'], ['prepare', 'commit']])
  })

  test('has the one that has the least to load prepare first where none serves it', async () => {
    const { publisher, all } = publisherOf(['dead', 'well'])
    const older: EpochPlan = { epoch: 6, ...body({ versions: [planned(1)] }) }
    publisher.welcome({
      ...all[1]!.replica,
      hello: { epoch: 6n, plan: encodeJson(older), httpEngine: 'uws' },
    })
    const present = { ...older, epoch: 7 }
    publisher.welcome({
      ...all[0]!.replica,
      incarnation: 9,
      hello: { epoch: 7n, plan: encodeJson(present), httpEngine: 'uws' },
    })
    const round = await publisher.publish(body({ versions: [planned(1), planned(2)] }))
    expect(round).toMatchObject({ isCommitted: true, lost: [{ how: 'died' }] })
    expect(all.map(({ asked }) => asked)).toEqual([['prepare'], ['prepare', 'commit']])
  })

  test('gives every version that a replica has to load a minute', async () => {
    const { publisher, all } = publisherOf(['well', 'well'])
    const plan: EpochPlan = { epoch: 7, ...body({ versions: [planned(1), planned(2)] }) }
    publisher.welcome({
      ...all[0]!.replica,
      hello: { epoch: 7n, plan: encodeJson(plan), httpEngine: 'uws' },
    })
    await publisher.publish(body({ versions: [planned(1), planned(2), planned(3)] }))
    expect(all.map(({ limitsMs }) => limitsMs[0])).toEqual([60_000, 180_000])
  })

  test('waits longer where the watchdog lets a load take longer', async () => {
    const { publisher, all } = publisherOf(['well'], null, 300_000)
    await publisher.publish(body({ versions: [planned(1), planned(2)] }))
    expect(all[0]?.limitsMs).toEqual([600_000, 10_000])
  })

  test('does not take a replica for one that serves which did not commit', async () => {
    const { publisher, all } = publisherOf(['well', 'forgetful'])
    await publisher.publish(body())
    expect(all.map(({ replica }) => publisher.isCurrent(replica))).toEqual([true, false])
  })

  test('raises the number with every try, above every number that was ever used', async () => {
    const { publisher, all } = publisherOf(['well'], { epoch: 4, endpoints: [] })
    await publisher.publish(body())
    expect(publisher.plan?.epoch).toBe(5)
    const hello = { epoch: 9n, plan: new TextEncoder().encode('{"epoch":9}'), httpEngine: 'uws' }
    publisher.welcome({ ...all[0]!.replica, incarnation: 8, hello })
    await publisher.publish(body({ defaultEndpoint: null }))
    expect(publisher.plan?.epoch).toBe(10)
  })

  test('remembers an endpoint as it was while it is unavailable, and forgets one that has gone', async () => {
    const stored = { epoch: 4, endpoints: [endpoint('a', 3), endpoint('b', 2)] }
    const { publisher, written } = publisherOf(['well'], stored)
    expect(publisher.endpoints).toEqual(stored.endpoints)
    await publisher.publish(body({ endpoints: [], unavailable: ['a'] }))
    expect(publisher.endpoints).toEqual([endpoint('a', 3)])
    expect(written[0]?.endpoints).toEqual([endpoint('a', 3)])
  })
})

describe('welcome()', () => {
  const plan: EpochPlan = { epoch: 7, ...body() }
  const hello = { epoch: 7n, plan: encodeJson(plan), httpEngine: 'node' }

  test('carries on what the replica with the latest epoch serves', () => {
    const { publisher, all } = publisherOf(['well', 'well'])
    publisher.welcome({ ...all[0]!.replica, hello })
    const older = { ...plan, epoch: 6 }
    const before = { epoch: 6n, plan: encodeJson(older), httpEngine: 'node' }
    publisher.welcome({ ...all[1]!.replica, hello: before })
    expect(publisher.plan).toEqual(plan)
    expect(all.map(({ replica }) => publisher.isCurrent(replica))).toEqual([true, false])
    expect(publisher.engineOf(all[0]!.replica)).toBe('node')
    publisher.forget(1)
    expect(publisher.servedBy(all[0]!.replica)).toBeNull()
  })

  test('takes a plan that it cannot read for none', () => {
    const { publisher, all } = publisherOf(['well'])
    const torn = { ...hello, plan: new TextEncoder().encode('{}') }
    publisher.welcome({ ...all[0]!.replica, hello: torn })
    expect([publisher.plan, publisher.servedBy(all[0]!.replica)]).toEqual([null, null])
  })
})
