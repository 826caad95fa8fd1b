/**
 * Data threads that ask, a replica that puts it to control, and a control that answers when a test
 * says so: the real parts of the way, over a real socket, with the time of the test.
 *
 * Every step ends when all that follows from it has happened, so that a model can say what must.
 */

import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { type EnvelopeBody, envelopeCodec } from '../../proto/control-envelope.ts'
import { ForwardedAnswerSchema } from '../../proto/gen/control_pb.ts'
import { CALL_MS_MAX, CALLS_MAX, forwardBy } from '../../src/server/agent-calls.ts'
import { ControlDialer } from '../../src/server/control-dialer.ts'
import { DataThreads, type ThreadHandlers } from '../../src/server/data-threads.ts'
import { ThreadCalls } from '../../src/server/thread-calls.ts'
import type { ForwardedAnswer } from '../../src/shared/forwarded-call.ts'
import { Link } from '../../src/shared/link.ts'
import { replicaMemoryBytes } from '../../src/shared/shared-memory.ts'
import { FakeClock, settle } from './fake-clock.ts'
import { replicaSettings } from './replica-settings.ts'
import { makeTempDir } from './temp-dir.ts'
import { until } from './until.ts'

/** What a call must come to; null: it waits. */
type Outcome = 'CONTROL_BUSY' | 'CONTROL_UNREACHABLE' | 'MODEL_NOT_FOUND' | 'its own' | null

interface Call {
  readonly id: number
  readonly thread: number
  readonly askedMs: number
  expected: Outcome
  readonly answers: ForwardedAnswer[]
}

/** A call as control has it. */
interface Held {
  readonly id: number
  answer(body: EnvelopeBody): void
}

export class CallWorld {
  readonly clock = new FakeClock()
  readonly calls: Call[] = []
  readonly #threads: { table: ThreadCalls; handlers: ThreadHandlers; isAlive: boolean }[] = []
  readonly #path = join(makeTempDir('calls'), 's')
  readonly #dialer: ControlDialer
  readonly #held: Held[] = []
  #server: Server | null = null
  #sockets: Socket[] = []

  constructor(threads: number) {
    this.#dialer = new ControlDialer({
      ...{ socketPath: this.#path, clock: this.clock },
      greeting: () => [],
      onMessage: () => {},
    })
    const memory = new SharedArrayBuffer(replicaMemoryBytes(threads, 1))
    new DataThreads(
      (_, handlers) => {
        const table = new ThreadCalls((call) => handlers.onMessage(call))
        this.#threads.push({ table, handlers, isAlive: true })
        return (message) => message.type === 'answered' && table.onAnswered(message)
      },
      { settings: replicaSettings({ threads }), memory, records: null },
      {
        onFault: () => {},
        onPools: () => {},
        onCall: forwardBy((body, timeoutMs) => this.#dialer.call(body, timeoutMs), this.clock),
        onError: () => {},
        onHeld: () => {},
        onEnded: () => {},
      },
    )
  }

  get isLinked(): boolean {
    return this.#dialer.lostMs === null
  }

  /** Calls that control has not answered, in time or at all. */
  get #waiting(): Call[] {
    return this.calls.filter(({ expected }) => expected === null)
  }

  async ask(thread: number): Promise<void> {
    const { table, isAlive } = this.#threads[thread]!
    if (!isAlive) return
    const isFull = this.#waiting.length === CALLS_MAX
    const id = this.calls.length
    const expected = isFull ? 'CONTROL_BUSY' : this.isLinked ? null : 'CONTROL_UNREACHABLE'
    const answers: ForwardedAnswer[] = []
    this.calls.push({ id, thread, askedMs: this.clock.monotonic(), expected, answers })
    const payload = JSON.stringify({ id })
    table.forward({ kind: 'repository_index', payload }, (answer) => answers.push(answer))
    if (expected === null) {
      await until(() => this.#held.some((held) => held.id === id), { what: 'the call', everyMs: 1 })
    }
    await this.#happened()
  }

  /** Control answers a call, which may be over, or refuses it. */
  async answer(which: number, isRefused: boolean): Promise<void> {
    const held = this.#held[which % Math.max(1, this.#held.length)]
    if (held === undefined) return
    const call = this.calls[held.id]!
    if (call.expected === null) call.expected = isRefused ? 'MODEL_NOT_FOUND' : 'its own'
    const body = new TextEncoder().encode(JSON.stringify(held.id))
    const given = isRefused ? { code: 'MODEL_NOT_FOUND', detail: String(held.id) } : { body }
    held.answer({ case: 'forwardedAnswer', value: create(ForwardedAnswerSchema, given) })
    await this.#happened()
  }

  async pass(ms: number): Promise<void> {
    const endMs = this.clock.monotonic() + ms
    for (const call of this.#waiting) {
      if (call.askedMs + CALL_MS_MAX <= endMs) call.expected = 'CONTROL_UNREACHABLE'
    }
    await this.clock.advance(ms)
    await this.#happened()
  }

  /** Control begins to listen, where it does not. */
  async listen(): Promise<void> {
    if (this.#server !== null) return
    const server = createServer((socket) => {
      this.#sockets.push(socket)
      const onMessage = (body: EnvelopeBody, answer: Held['answer']) => {
        if (body.case !== 'forwardedCall') return
        const { id } = JSON.parse(new TextDecoder().decode(body.value.payload)) as { id: number }
        this.#held.push({ id, answer })
      }
      new Link(socket, envelopeCodec, { onMessage, onClose: () => {} }, { clock: this.clock })
    })
    this.#server = server
    await new Promise<void>((resolve) => server.listen(this.#path, resolve))
  }

  /** The links are lost; `isGone`: control with them. */
  async cut(isGone: boolean): Promise<void> {
    const wasLinked = this.isLinked
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets = []
    const server = this.#server
    if (isGone && server !== null) {
      this.#server = null
      await new Promise((resolve) => server.close(resolve))
    }
    if (wasLinked) await until(() => !this.isLinked, { what: 'the loss', everyMs: 1 })
    for (const call of this.#waiting) call.expected = 'CONTROL_UNREACHABLE'
    await this.#happened()
  }

  /** A thread ends: nobody is there any more to answer. */
  end(thread: number): void {
    const own = this.#threads[thread]!
    if (!own.isAlive) return
    own.isAlive = false
    own.handlers.onEnded()
  }

  /** Everything ends: what a test leaves open would outlive it. */
  async close(): Promise<void> {
    this.#dialer.stop()
    await this.cut(true)
  }

  /** Calls of a thread that lives, without an answer. */
  get unanswered(): number {
    const living = this.#threads.filter(({ isAlive }) => isAlive)
    return living.reduce((sum, { table }) => sum + table.size, 0)
  }

  /** What each call has come to; '' for one that waits, or whose thread has ended. */
  outcomes(): string[] {
    return this.calls.map(({ id, answers }) =>
      answers
        .map((answer) => {
          if (typeof answer !== 'string') return answer.code
          return answer === String(id) ? 'its own' : `that of ${answer}`
        })
        .join(' and '),
    )
  }

  /** What each must have come to. */
  expected(): string[] {
    return this.calls.map(({ expected, thread, answers }) => {
      const isMoot = !this.#threads[thread]!.isAlive && answers.length === 0
      return isMoot || expected === null ? '' : expected
    })
  }

  /** Until the answers that are due are there, and the dialer has a link or waits to dial. */
  async #happened(): Promise<void> {
    const isStill = () => this.isLinked || this.clock.pending > 0
    const isDue = () => this.outcomes().join() === this.expected().join()
    await settle()
    await until(() => isStill() && isDue(), { what: 'what was to happen', everyMs: 1 })
  }
}
