import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import type { EnvelopeBody } from '../../../../proto/control-envelope.ts'
import { StatisticsSchema } from '../../../../proto/gen/control_pb.ts'
import { Figures } from '../../../../src/control/figures/figures.ts'
import { Statistics } from '../../../../src/control/figures/statistics.ts'
import type { ConnectedReplica } from '../../../../src/control/replicas/connected-replica.ts'
import { createLogger } from '../../../../src/shared/logger.ts'
import { FakeClock } from '../../../helpers/fake-clock.ts'

/** Figures of one replica that answers while `isAnswering`. */
const makeFigures = () => {
  const clock = new FakeClock()
  const told: string[] = []
  const replaced: string[] = []
  const state = { isAnswering: true, asked: 0 }
  const call = (): Promise<EnvelopeBody> => {
    state.asked++
    const value = create(StatisticsSchema, { cpuSeconds: 2, rssBytes: 7 })
    return state.isAnswering
      ? Promise.resolve({ case: 'statistics', value })
      : new Promise(() => {})
  }
  const replica = {
    ...{ index: 0, pid: 1, incarnation: 3, isLeaving: false, hello: { epoch: 0n } },
    link: { call, tell: ({ case: kind }: EnvelopeBody) => void told.push(kind ?? '') },
  } as unknown as ConnectedReplica
  const figures = new Figures({
    statistics: new Statistics(clock),
    clock,
    logger: createLogger({ level: 'silent', component: 'test' }),
    linked: () => [replica],
    slotKeys: () => new Set(),
    onFigures: () => {},
    replace: ({ incarnation }, reason) => void replaced.push(`${incarnation} ${reason}`),
  })
  return { clock, figures, replica, told, replaced, state }
}

const DEATH = { index: 0, pid: 1, incarnation: 3, detail: '', isFatal: false, isAdopted: false }

test('refresh() asks nobody before it is known who is adopted', async () => {
  const { figures, replica, state } = makeFigures()
  figures.onConnected(replica)
  expect(await figures.refresh()).toBeNull()
  expect([state.asked, figures.snapshot]).toEqual([0, null])
})

test('begin() asks every second until end()', async () => {
  const { clock, figures, replica, state } = makeFigures()
  figures.onConnected(replica)
  figures.begin()
  await clock.advance(3000)
  expect(state.asked).toBe(3)
  expect(figures.snapshot?.replicas).toMatchObject([{ incarnation: 3, rssBytes: 7 }])
  figures.end()
  await clock.advance(3000)
  expect(state.asked).toBe(3)
})

test('the sums of the dead are told to who connects, and to all when one dies', () => {
  const { figures, replica, told } = makeFigures()
  figures.onConnected(replica)
  expect(told).toEqual(['deadSums'])
  figures.onDied(DEATH)
  expect(told).toEqual(['deadSums', 'deadSums'])
})

test('the last figures of a replica that ends are counted', async () => {
  const { figures, replica } = makeFigures()
  figures.begin()
  figures.onConnected(replica)
  figures.onDrained(replica, create(StatisticsSchema, { cpuSeconds: 5 }))
  figures.onDied(DEATH)
  expect((await figures.refresh())?.deadCpuSeconds).toBe(5)
})

test('a replica that answers nothing for long is replaced', async () => {
  const { clock, figures, replica, replaced, state } = makeFigures()
  figures.onConnected(replica)
  figures.begin()
  await clock.advance(2000)
  state.isAnswering = false
  await clock.advance(9000)
  expect(replaced).toEqual([])
  await clock.advance(4000)
  expect(replaced).toContain('3 no figures')
})
