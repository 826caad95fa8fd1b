import { closeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { identityOf, markIdentity, openMarks, readMarks } from '../../../../src/shared/run-marks.ts'
import {
  DEFAULT_SESSION,
  gpusOf,
  type SessionSettings,
} from '../../../../src/shared/session-settings.ts'
import { THREAD_WORDS } from '../../../../src/shared/shared-memory.ts'
import { atEnd } from '../../../helpers/clean-up.ts'
import { CountingSession } from '../../../helpers/counting-session.ts'
import { plannedVersion } from '../../../helpers/epoch-plans.ts'
import { type PoolMember, PoolWorld } from '../../../helpers/pool-world.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const DELAY_MS = 50
const RUNNING = plannedVersion({ model: 'm', version: 1 })
const OTHER = plannedVersion({ model: 'm', version: 2 })
const UNDER_WAY = [{ identity: identityOf(RUNNING), isRunning: true }]

const member = (id: number, rows: number): PoolMember => ({
  ...{ id, rows, priority: 0, deadlineMs: Infinity, timeoutMs: Infinity },
  ...{ wantsInputs: true, values: new Array<number>(rows * 2).fill(1) },
})

/** One compute thread that has run a full batch of version 1 and is due for another turn. */
const makeSeries = () => {
  const path = join(makeTempDir('marks'), 'marks')
  const marksFd = openMarks(path)
  atEnd(() => closeSync(marksFd))
  for (const version of [RUNNING, OTHER]) markIdentity(marksFd, version.version, version)
  const marks = () => readMarks(path)
  const seen = { run: marks(), dispose: marks() }
  class Watched extends CountingSession {
    override run(...inputs: Parameters<CountingSession['run']>) {
      seen.run = marks()
      return super.run(...inputs)
    }
    override dispose() {
      seen.dispose = marks()
      super.dispose()
    }
  }
  const batching = { ...RUNNING.batching, queueDelayUsMax: DELAY_MS * 1000 }
  const world = new PoolWorld({
    ...{ dataThreads: 1, computeThreads: 1, marksFd, planned: { batching } },
    session: () => new Watched(),
  })
  const startSeries = () => {
    world.admit(0, member(1, 8), 'place')
    world.hear(0)
    world.turn(0)
    expect(marks()).toEqual(UNDER_WAY)
  }
  return { world, marks, seen, startSeries }
}

test('a version is marked while it runs, and until the thread has looked for another run', () => {
  const { world, marks, seen, startSeries } = makeSeries()
  expect(marks()).toEqual([])
  startSeries()
  expect(seen.run).toEqual(UNDER_WAY)
  world.turn(0)
  expect(marks()).toEqual([])
})

test('a version that waits for company is not marked before it runs', () => {
  const { world, marks, seen, startSeries } = makeSeries()
  startSeries()
  world.admit(0, member(2, 1), 'place')
  world.turn(0)
  world.turn(0)
  expect([marks(), world.left.size]).toEqual([[], 0])
  seen.run = []
  world.pass(DELAY_MS)
  world.turn(0)
  expect(seen.run).toEqual(UNDER_WAY)
})

test('the turn of another version ends the mark, with a run or without', () => {
  const { world, marks, startSeries } = makeSeries()
  world.load(0, 2, OTHER)
  startSeries()
  world.turn(0)
  const isAwake = world.computes[0]!.words[THREAD_WORDS.BELL] === 1 // the first one is still due
  expect([isAwake, marks()]).toEqual([true, []])
})

test('a version that is loaded, or disposed of, finds no mark of the one that ran', () => {
  const { world, marks, seen, startSeries } = makeSeries()
  startSeries()
  const load = world.computes[0]!.load
  let atLoad = UNDER_WAY
  world.computes[0]!.load = (settings) => {
    atLoad = marks()
    return load(settings)
  }
  world.load(0, 2, OTHER)
  expect(atLoad).toEqual([])
  world.settle(3)
  startSeries()
  seen.dispose = marks()
  world.unload(0, 2)
  expect(seen.dispose).toEqual([])
})

test('a thread that is told to end has ended its mark', () => {
  const { world, marks, startSeries } = makeSeries()
  startSeries()
  world.computes[0]!.loop!.onMessage({ type: 'close' })
  expect(marks()).toEqual([])
})

test('a thread ends the mark of the one in whose place it is', () => {
  const { world, marks, startSeries } = makeSeries()
  startSeries()
  world.die(0)
  expect(marks()).toEqual([])
})

test('threads have the GPUs of a version in turn, and one session for each', () => {
  const world = new PoolWorld({ computeThreads: 3 })
  const session: SessionSettings = {
    ...{ ...DEFAULT_SESSION, providers: ['cuda', 'cpu'] },
    cuda: { deviceIds: [4, 2], isRequired: true, memoryBytesMax: null },
  }
  const onGpus = { ...OTHER, session }
  const loaded: (readonly number[])[][] = [[], [], []]
  for (const [thread, compute] of world.computes.entries()) {
    const { load } = compute
    compute.load = (settings) => {
      loaded[thread]!.push(gpusOf(settings))
      return load(settings)
    }
    world.load(thread, 2, onGpus)
    // Another queue over the same sessions.
    world.load(thread, 3, { ...onGpus, batching: { ...onGpus.batching, queueDelayUsMax: 7 } })
  }
  expect(loaded).toEqual([[[4]], [[2]], [[4]]])
})
