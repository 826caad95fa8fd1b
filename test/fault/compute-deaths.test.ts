import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { PoolLinks } from '../../src/runtime/pool/pool-links.ts'
import { mapPool } from '../../src/runtime/pool/pool-memory.ts'
import type { PoolGrant } from '../../src/runtime/pool/pool-messages.ts'
import { PoolQueue } from '../../src/runtime/pool/pool-queue.ts'
import { poolShape } from '../../src/runtime/pool/pool-shape.ts'
import { SLOT_STATE, stateOf } from '../../src/runtime/pool/pool-slots.ts'
import type { PoolQueued } from '../../src/runtime/row-queue.ts'
import { ComputeThreads } from '../../src/server/compute-threads.ts'
import { systemClock, threadOriginMs } from '../../src/shared/clock.ts'
import { loadKey } from '../../src/shared/epoch-plan.ts'
import { createLogger } from '../../src/shared/logger.ts'
import { mapReplicaMemory, replicaMemoryBytes } from '../../src/shared/shared-memory.ts'
import type { TensorData } from '../../src/shared/tensor.ts'
import { atEnd } from '../helpers/clean-up.ts'
import { epochPlan, plannedVersion } from '../helpers/epoch-plans.ts'
import { FATE_WORDS } from '../helpers/fate-words.ts'
import { replicaSettings } from '../helpers/replica-settings.ts'
import { until } from '../helpers/until.ts'

const ENTRY = new URL('../helpers/mortal-compute-thread.ts', import.meta.url)
const PLANNED = plannedVersion({
  ...{ model: 'm', version: 1 },
  placement: { kind: 'pooled', instances: 1, reason: 'told so' },
})
const RUNS = [1, 20, 2, 8, 1]

interface Member extends PoolQueued {
  readonly id: number
  readonly rows: number
}

const memberOf = (id: number, rows: number): Member => ({
  ...{ id, rows, priority: 0 },
  ...{ deadlineMs: Number.POSITIVE_INFINITY, timeoutMs: Number.POSITIVE_INFINITY },
  wantsInputs: false,
})

/** Real compute threads that may die, and one data thread, which is that of the test. */
const startPool = async () => {
  const fate = new Int32Array(new SharedArrayBuffer(64))
  const memory = new SharedArrayBuffer(replicaMemoryBytes(1, 1))
  const replica = mapReplicaMemory(memory, 1, 1)
  const links = new PoolLinks(
    replica.threads[0]!.words,
    replica.computeThreads.map(({ words }) => words),
  )
  const fatal: string[] = []
  let started = 0
  const compute = new ComputeThreads({
    settings: replicaSettings({ threads: 1, computeThreads: 1 }),
    ...{ memory, clock: systemClock },
    logger: createLogger({ level: 'silent', component: 'test' }),
    start: (start, { onMessage, onError, onEnded }) => {
      started++
      const options = { workerData: { start, fate }, transferList: [...start.ports] }
      const worker = new Worker(ENTRY, options)
      worker.on('message', onMessage).on('error', onError).on('exit', onEnded)
      atEnd(async () => void (await worker.terminate()))
      return (message) => worker.postMessage(message)
    },
    connect: (thread, ports) => links.connect(thread, ports[0]!),
    onFatal: (reason) => fatal.push(reason),
    onEnded: () => {},
  })
  const lease = (await compute.acquire(epochPlan(1, [PLANNED]), [1]))!
  const grant = lease.grants[loadKey(PLANNED)] as PoolGrant
  const pool = mapPool(grant.memory, poolShape(PLANNED, 1))
  const left = new Map<number, string[]>()
  const leave = ({ id }: Member, how: string): void => {
    left.set(id, [...(left.get(id) ?? []), how])
  }
  const queue = new PoolQueue<Member>(
    {
      ...{ grant, pool, dataThread: 0, links },
      policy: { ...PLANNED.batching, queue: PLANNED.queue, queueRowsMax: 1e6, queueWorkMsMax: 1e6 },
      ...{ originMs: threadOriginMs(), monotonic: systemClock.monotonic },
    },
    {
      onQueueRows: () => {},
      onQueued: () => {},
      onUnqueued: () => {},
      onRunStart: () => {},
      onRunEnd: () => {},
      onServed: () => {},
      onDone: (member, [results]) => leave(member, [...(results!.data as Float32Array)].join()),
      onFailed: (member, { code }) => leave(member, code),
      onFault: (member) => leave(member, 'fault'),
    },
  )
  links.add(grant.pool, queue)
  compute.onHeld(0, [grant.pool])
  lease.release()
  const admit = (id: number, rows: number): void => {
    const data: TensorData = new Float32Array(rows * 2).fill(id)
    const tensor = { datatype: 'FP32' as const, shape: [rows, 2], data }
    queue.admitTensors(memberOf(id, rows), [tensor], rows, systemClock.monotonic())
  }
  const untilLeft = (count: number) =>
    until(() => left.size === count, { what: `${count} answers`, timeoutMs: 20_000 })
  return { fate, pool, fatal, left, admit, untilLeft, started: () => started, compute }
}

const answerTo = (id: number, rows: number): string => new Array(rows * 2).fill(id * 2).join()

const isEmpty = ({ states, levels }: Awaited<ReturnType<typeof startPool>>['pool']): boolean =>
  states.every((word) => stateOf(word) === SLOT_STATE.FREE) && levels.every((word) => word === 0)

test.each([
  ['ready', SLOT_STATE.READY],
  ['claimed', SLOT_STATE.CLAIMED],
  ['running', SLOT_STATE.RUNNING],
  ['done', SLOT_STATE.DONE],
])(
  'a compute thread that dies while a slot is %s loses nothing that its slots hold',
  async (_, state) => {
    const world = await startPool()
    world.fate[FATE_WORDS.DEATHS] = 1
    Atomics.store(world.fate, FATE_WORDS.STATE, state)
    for (const [id, rows] of RUNS.entries()) world.admit(id + 1, rows)
    await world.untilLeft(RUNS.length)
    for (const [index, rows] of RUNS.entries()) {
      const id = index + 1
      const [how] = world.left.get(id)!
      // Tensors that travelled by message died with the thread that they had been sent to.
      const mayBeLost = rows > 8 && how === 'THREAD_LOST'
      if (!mayBeLost) expect(how).toBe(answerTo(id, rows))
      expect(world.left.get(id)).toHaveLength(1)
    }
    world.admit(9, 3)
    await world.untilLeft(RUNS.length + 1)
    expect(world.left.get(9)).toEqual([answerTo(9, 3)])
    expect([world.started(), world.fatal, isEmpty(world.pool)]).toEqual([2, [], true])
  },
)

test('a request that has seen two compute threads die is refused, and not tried again', async () => {
  const world = await startPool()
  world.fate[FATE_WORDS.DEATHS] = 2
  Atomics.store(world.fate, FATE_WORDS.STATE, SLOT_STATE.RUNNING)
  world.admit(1, 1)
  await world.untilLeft(1)
  expect(world.left.get(1)).toEqual(['THREAD_LOST'])
  expect([world.fate[FATE_WORDS.RUNS], world.fatal, isEmpty(world.pool)]).toEqual([0, [], true])
})
