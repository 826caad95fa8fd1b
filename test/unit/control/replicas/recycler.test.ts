import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { LoadedVersionSchema } from '../../../../proto/gen/control_pb.ts'
import { Recycler } from '../../../../src/control/replicas/recycler.ts'
import { createLogger } from '../../../../src/shared/logger.ts'
import { FakeClock, settle } from '../../../helpers/fake-clock.ts'
import { replica } from '../../../helpers/metrics-context.ts'

const LIMITS = { unloadsMax: 3, memoryBytesMax: 100, pauseSeconds: 60 }

const makeRecycler = () => {
  const clock = new FakeClock()
  const asked: number[] = []
  const state = { end: (_fault: string | null) => {} }
  const recycler = new Recycler(
    {
      clock,
      logger: createLogger({ level: 'silent', component: 'test' }),
      memoryOf: () => 40,
      replace: ({ incarnation }) => {
        asked.push(incarnation)
        return new Promise((resolve) => {
          state.end = resolve
        })
      },
    },
    LIMITS,
  )
  return { clock, asked, state, recycler }
}

test('Recycler replaces one worn replica at a time, with a pause between', async () => {
  const { clock, asked, state, recycler } = makeRecycler()
  const worn = [replica(0, { unloads: 3 }), replica(1, { unloads: 4 })]
  recycler.look(worn, 2)
  recycler.look(worn, 2)
  expect(asked).toEqual([2])
  expect(recycler.status).toMatchObject({ index: 1, state: 'running' })
  state.end(null)
  await settle()
  expect(recycler.status).toMatchObject({ state: 'done', reason: 'unloads', figure: 4 })
  const next = [replica(0, { unloads: 3 }), replica(1, { incarnation: 9, unloads: 0 })]
  await clock.advance(59_999)
  recycler.look(next, 2)
  expect(asked).toEqual([2])
  await clock.advance(1)
  recycler.look(next, 2)
  expect(asked).toEqual([2, 1])
  expect(recycler.counts).toEqual({ unloads: 1, memory: 0 })
})

test('Recycler tells growth from what versions take that came after the first epoch', () => {
  const { asked, recycler } = makeRecycler()
  const loaded = (threads: number) => [
    create(LoadedVersionSchema, { model: 'm', version: 1n, threads }),
  ]
  const first = { unloads: 0, baseRssBytes: 1000, rssBytes: 1000, loaded: loaded(1) }
  recycler.look([replica(0, first)], 1)
  const later = { ...first, unloads: 1, loaded: loaded(2) }
  recycler.look([replica(0, { ...later, rssBytes: 1140 })], 1)
  expect(asked).toEqual([])
  recycler.look([replica(0, { ...later, rssBytes: 1141 })], 1)
  expect(asked).toEqual([1])
})

test('Recycler waits long after a successor that did not come to serve', async () => {
  const { clock, asked, state, recycler } = makeRecycler()
  recycler.look([replica(0, { unloads: 3 })], 1)
  state.end('it died')
  await settle()
  expect(recycler.status).toMatchObject({ state: 'failed', fault: 'it died' })
  await clock.advance(600_000)
  recycler.look([replica(0, { unloads: 3 })], 1)
  expect(asked).toHaveLength(1)
  await clock.advance(60_000)
  recycler.setLimits({ ...LIMITS, unloadsMax: 0, memoryBytesMax: 0 })
  recycler.look([replica(0, { unloads: 3 })], 1)
  expect(asked).toHaveLength(1)
  recycler.setLimits(LIMITS)
  recycler.look([replica(0, { unloads: 3 })], 1)
  expect(asked).toHaveLength(2)
})
