import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MessageChannel, type Worker } from 'node:worker_threads'
import { beforeEach, expect, test } from 'vitest'
import { RING_WORD } from '../../../../src/records/ring/record-ring.ts'
import { systemFiles } from '../../../../src/records/spool/file-calls.ts'
import {
  mapRecordMemory,
  recordMemoryBytes,
  ringBell,
  SPOOL_FIGURE,
} from '../../../../src/records/spool/spool-memory.ts'
import type {
  FromSpool,
  SpoolSettings,
  ToSpool,
} from '../../../../src/records/spool/spool-messages.ts'
import { startSpoolThread } from '../../../../src/records/spool/start-spool.ts'
import { THREAD_GAUGES, THREAD_STATE, THREAD_WORDS } from '../../../../src/shared/shared-memory.ts'
import { atEnd } from '../../../helpers/clean-up.ts'
import { endpointLayout } from '../../../helpers/record-layouts.ts'
import { faultsOf, readSpool } from '../../../helpers/spool-content.ts'
import { spoolSettings } from '../../../helpers/spool-rig.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'
import { TestProducer } from '../../../helpers/test-producer.ts'
import { until } from '../../../helpers/until.ts'

class Spool {
  readonly settings: SpoolSettings
  readonly #block: SharedArrayBuffer
  readonly memory
  readonly producers: readonly TestProducer[]
  readonly told: FromSpool[] = []
  readonly woken: number[] = []
  #generation = 0
  #worker: Worker | null = null
  hasEnded = false

  constructor(given: Partial<SpoolSettings>) {
    this.settings = spoolSettings({ segmentBytesMax: 64 * 1024, ...given })
    const { threads, ringBytes } = this.settings
    this.#block = new SharedArrayBuffer(recordMemoryBytes(threads, ringBytes))
    this.memory = mapRecordMemory(this.#block, threads, ringBytes)
    this.producers = this.memory.rings.map((ring, thread) => new TestProducer(ring, 100 + thread))
    atEnd(() => this.kill())
  }

  start(): void {
    const channels = this.producers.map(() => new MessageChannel())
    for (const [thread, { port2 }] of channels.entries()) {
      port2.on('message', () => this.woken.push(thread))
      port2.unref()
    }
    this.hasEnded = false
    this.#worker = startSpoolThread({
      settings: this.settings,
      generation: this.#generation++,
      memory: this.#block,
      layouts: [endpointLayout({}, 1)],
      ports: channels.map(({ port1 }) => port1),
    })
    this.#worker.on('message', (message: FromSpool) => this.told.push(message))
    this.#worker.once('exit', () => {
      this.hasEnded = true
    })
  }

  tell(message: ToSpool): void {
    this.#worker!.postMessage(message)
    ringBell(this.memory.spool.words)
  }

  async kill(): Promise<void> {
    await this.#worker?.terminate()
  }

  async drained(): Promise<void> {
    await until(() => this.hasEnded, { what: 'the thread has ended' })
    expect(this.told.at(-1)).toEqual({ type: 'drained', lost: 0 })
    const content = readSpool(systemFiles, this.settings.folder)
    expect(faultsOf(this, content)).toEqual([])
  }

  isDurable(thread: number): boolean {
    const { written } = this.producers[thread]!
    return this.producers[thread]!.durable().length === written.size
  }
}

let folder = ''
beforeEach(() => {
  folder = join(makeTempDir('spool'), 'spool')
})

test.each(['memory', 'process', 'power'] as const)(
  'under %s, records come to disk while it runs, and all of them by its end',
  async (durability) => {
    const spool = new Spool({ folder, durability })
    spool.start()
    const { words, gauges } = spool.memory.spool
    for (let i = 0; i < 50; i++) spool.producers[i % 2]!.produce(300, 1)
    ringBell(words)
    await until(() => spool.isDurable(0) && spool.isDurable(1), { what: 'all is safe' })
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, 'r0-i1-g0-1.seg')).mode & 0o777).toBe(0o600)
    const beat = words[THREAD_WORDS.BEAT]!
    await until(() => words[THREAD_WORDS.BEAT]! > beat, { what: 'another beat' })
    await until(() => words[THREAD_WORDS.STATE] === THREAD_STATE.IDLE, { what: 'its sleep' })
    expect(gauges[THREAD_GAUGES.CPU_SECONDS]).toBeGreaterThan(0)
    spool.producers[0]!.produce(300, 1)
    spool.producers[0]!.skip(3)
    spool.producers[0]!.flush()
    spool.tell({ type: 'drain', limitMs: 5000, ended: [0, 1] })
    await spool.drained()
    expect(spool.memory.spool.figures[SPOOL_FIGURE.RECORDS]).toBe(51)
    expect(spool.told).toEqual([{ type: 'drained', lost: 0 }])
  },
)

test('layouts are answered, whether it sleeps or works, and entries may name them then', async () => {
  const spool = new Spool({ folder })
  spool.start()
  for (let number = 1; number <= 5; number++) {
    const layouts = [endpointLayout({}, 10 + number)]
    spool.tell({ type: 'layouts', number, layouts, dropped: [9 + number] })
    await until(() => spool.told.length === number, { what: 'the answer' })
    expect(spool.told.at(-1)).toEqual({ type: 'layoutsTaken', number })
    spool.producers[0]!.produce(10, 10 + number)
    ringBell(spool.memory.spool.words)
  }
  spool.tell({ type: 'drain', limitMs: 5000, ended: [0, 1] })
  await spool.drained()
})

test('a data thread that waits is woken by a message', async () => {
  const spool = new Spool({ folder })
  spool.start()
  for (let i = 1; i <= 3; i++) {
    spool.producers[1]!.produce(100, 1)
    Atomics.store(spool.producers[1]!.ring.head, RING_WORD.WANTS_WAKE, 1)
    ringBell(spool.memory.spool.words)
    await until(() => spool.woken.length === i, { what: 'the message' })
  }
  expect(spool.woken).toEqual([1, 1, 1])
  spool.tell({ type: 'drain', limitMs: 5000, ended: [0, 1] })
  await spool.drained()
})

test('a thread that is killed loses nothing: the next one goes on', async () => {
  const spool = new Spool({ folder })
  for (let life = 0; life < 4; life++) {
    spool.start()
    for (let i = 0; i < 60; i++) spool.producers[i % 2]!.produce(300, 1)
    ringBell(spool.memory.spool.words)
    if (life % 2 === 0) await until(() => spool.isDurable(0), { what: 'some is safe' })
    await spool.kill()
  }
  spool.start()
  spool.tell({ type: 'drain', limitMs: 5000, ended: [0, 1] })
  await spool.drained()
})

test('where nothing can be written, it says so, and what it gives up is counted', async () => {
  mkdirSync(join(folder, '..'), { recursive: true })
  writeFileSync(folder, 'a file in the place of the folder')
  const spool = new Spool({ folder })
  spool.start()
  await until(() => spool.told.some(({ type }) => type === 'state'), { what: 'the state' })
  expect(spool.told.at(-1)).toEqual({ type: 'state', state: 3, detail: 'ENOTDIR' })
  for (let i = 0; i < 7; i++) spool.producers[0]!.produce(300, 1)
  spool.tell({ type: 'drain', limitMs: 50, ended: [0, 1] })
  await until(() => spool.hasEnded, { what: 'the thread has ended' })
  expect(spool.told.at(-1)).toEqual({ type: 'drained', lost: 7 })
})
