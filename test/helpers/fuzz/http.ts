/** Whole requests over sockets as targets: both engines, in this process. */

import { outcomeOf } from '../raw-client.ts'
import { OWN_STATUSES } from '../smuggling/fragments.ts'
import { FRAMING } from '../smuggling/framing.ts'
import { HEADS } from '../smuggling/heads.ts'
import {
  expectAlive,
  type Harness,
  type PlainKind,
  startEngine,
} from '../suites/http-engine-harness.ts'
import { until } from '../until.ts'
import { type Input, inputFrom, type Target, type Verdict } from './harness.ts'
import { type Language, tokenBytes } from './tokens.ts'

const MESSAGES: Language = {
  texts: [...FRAMING, ...HEADS]
    .map(([, message]) => message.replaceAll('###', '100'))
    .filter(({ length }) => length < 1000),
  tokens: [
    ...['\r\n', '\r', '\n', '\r\n\r\n', '\0', ' ', '\t', ':', ',', ';', 'HTTP/1.1', 'GET', 'POST'],
    ...['chunked', 'Transfer-Encoding', 'content-length', 'host', 'connection', 'close', 'upgrade'],
    ...['0', '-1', '3', 'ffffffffffffffff', '18446744073709551617', '0x3', '\xff', '\x1b[31m'],
    ...['expect: 100-continue', '0\r\n\r\n', '3\r\nabc\r\n', 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'],
  ],
}

/** How often it is made sure that an engine is as good as new. */
const LOOK_EVERY = 50

const faulty = (fault: string): Verdict => ({ fault, isTaken: false, grownBytes: 0 })

const cutAt = (bytes: Uint8Array, choice: number): Uint8Array[] => {
  const at = choice % (bytes.length + 1)
  return choice % 3 === 0 ? [bytes] : [bytes.subarray(0, at), bytes.subarray(at)]
}

const lookAfter = async (harness: Harness): Promise<void> => {
  await expectAlive(harness)
  const { connections, budget, engine } = harness
  await until(() => connections.open === 0 && engine.underWay === 0, { what: 'quiet' })
  if (budget.takenBytes !== 0) throw new Error(`${budget.takenBytes} bytes of bodies are kept`)
}

/** What is wrong with the answers to some bytes; `seen`: how many requests they were. */
const faultOf = (text: string, statuses: readonly number[], seen: number): string | null => {
  if (text !== '' && !text.startsWith('HTTP/1.1 ')) return `an answer that is none: ${text}`
  const own = statuses.filter((status) => status !== 200 && status !== 413)
  const odd = own.find((status) => !OWN_STATUSES.includes(String(status)))
  if (odd !== undefined) return `an answer of ${odd}`
  if (own.length > 1) return `${own.length} refusals`
  const answered = statuses.length - own.length
  return answered > seen ? `${answered} answers to ${seen} requests` : null
}

const checkWith = (engine: () => Harness, judge: typeof faultOf) => {
  let cases = 0
  return async ({ bytes, choice }: Input): Promise<Verdict> => {
    const harness = engine()
    const { text, statuses } = await outcomeOf(harness.port, ...cutAt(bytes, choice))
    const seen = harness.seen.splice(0).length
    const fault = judge(text, statuses, seen)
    if (fault !== null) return faulty(fault)
    if (++cases % LOOK_EVERY === 0) await lookAfter(harness)
    harness.seen.length = 0
    return { fault: null, isTaken: seen > 0, grownBytes: 0 }
  }
}

const target = (kind: PlainKind): Target => {
  let harness: Harness | null = null
  const engine = (): Harness => {
    if (harness === null) throw new Error(`the ${kind} engine was not prepared`)
    return harness
  }
  return {
    name: `HTTP on ${kind}`,
    prepare: async () => {
      harness = await startEngine(kind)
    },
    make: (seed) => inputFrom(seed, (random) => tokenBytes(random, MESSAGES, 'latin1')),
    check: checkWith(engine, faultOf),
    // As if the engine had answered a request that it had not handed on.
    canary: checkWith(engine, (text, statuses, seen) =>
      faultOf(text, statuses, seen > 1 ? 0 : seen),
    ),
  }
}

export const HTTP_TARGETS: readonly Target[] = [target('uws'), target('node')]
