/**
 * Entry of a spool thread: brings the records of all data threads of its replica to disk. It logs
 * nothing, and touches no file but segments.
 */

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../shared/clock.ts'
import { ownIdentity } from '../../shared/process-identity.ts'
import { THREAD_WORDS } from '../../shared/shared-memory.ts'
import { beat } from '../../shared/thread-state.ts'
import { currentThreadId } from '../../shared/threads.ts'
import { redactorOf } from '../redact/redactor.ts'
import { RING_WORD } from '../ring/record-ring.ts'
import { systemFiles } from './file-calls.ts'
import { SpoolLayouts } from './spool-layouts.ts'
import { runSpool } from './spool-loop.ts'
import { mapRecordMemory } from './spool-memory.ts'
import type { FromSpool, SpoolStart, ToSpool } from './spool-messages.ts'
import { SpoolWriter } from './spool-writer.ts'

const { settings, generation, memory: block, layouts: first, ports } = workerData as SpoolStart
const port = parentPort!
const memory = mapRecordMemory(block, settings.threads, settings.ringBytes)
const { words } = memory.spool
const layouts = new SpoolLayouts((layout) => redactorOf(layout, settings.hmacKey))
layouts.add(first)

const tell = (message: FromSpool): void => port.postMessage(message)

const onLayouts = (message: ToSpool & { readonly type: 'layouts' }): void => {
  layouts.add(message.layouts)
  const ends = memory.rings.map(({ head }) => Atomics.load(head, RING_WORD.WRITTEN))
  layouts.dropAfter(message.dropped, ends)
}

words[THREAD_WORDS.TID] = currentThreadId()
runSpool({
  spool: new SpoolWriter({
    files: systemFiles,
    settings,
    generation,
    process: ownIdentity(),
    clock: systemClock,
    memory,
    layouts,
    onState: (state, detail) => tell({ type: 'state', state, detail }),
    onFault: (detail) => tell({ type: 'fault', detail }),
    wake: (thread) => ports[thread]?.postMessage(null),
  }),
  durability: settings.durability,
  words,
  monotonic: systemClock.monotonic,
  receive: () => (receiveMessageOnPort(port)?.message as ToSpool | undefined) ?? null,
  onLayouts,
  tell,
  wait: Atomics.wait,
  beat: () => {
    const { user, system } = process.threadCpuUsage()
    beat(memory.spool, (user + system) / 1e6, 0)
  },
})
process.exit()
