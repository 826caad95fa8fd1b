/** Clients that take their time, so that a server may not wait for them. */

import { connect, type Socket } from 'node:net'
import { expect } from 'vitest'
import { atEnd } from './clean-up.ts'
import { expectAlive, type Harness, post } from './suites/http-engine-harness.ts'
import { until } from './until.ts'

/** What a client does every second after its first bytes. */
type Manner = 'is silent' | 'sends a byte' | 'reads nothing' | 'reads a little'

const HEAD = 'POST /x HTTP/1.1\r\nhost: a\r\n'
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n`

export const SLOW: readonly (readonly [title: string, first: string, then: Manner])[] = [
  ['connects', '', 'is silent'],
  ['sends half a request line', HEAD.slice(0, 7), 'is silent'],
  ['sends half a head', HEAD, 'is silent'],
  ['trickles a head', `${HEAD}x-a: `, 'sends a byte'],
  ['trickles a request line', 'GET /', 'sends a byte'],
  ['sends half a body', post('/x', 'x'.repeat(900)).slice(0, -500), 'is silent'],
  ['trickles a body', post('/x', 'x'.repeat(900)).slice(0, -900), 'sends a byte'],
  ['sends half a chunk', `${CHUNKED}300\r\nabc`, 'is silent'],
  ['trickles a chunk', `${CHUNKED}300\r\n`, 'sends a byte'],
  ['stays after its answer', post('/fixed', 'x'), 'is silent'],
  ['does not read', post('/held', 'x'), 'reads nothing'],
  ['reads slowly', post('/held', 'x'), 'reads a little'],
]

/** More than the buffers of a connection hold. */
const ANSWER_BYTES = 48 * 2 ** 20
const LITTLE_BYTES = 1024
const EVERY_MS = 1000

interface Player {
  readonly title: string
  readonly then: Manner
  readonly socket: Socket
}

const start = async (
  port: number,
  [title, first, then]: (typeof SLOW)[number],
): Promise<Player> => {
  const socket = connect({ port, host: '127.0.0.1' })
  atEnd(() => void socket.destroy())
  socket.on('error', () => {}) // a reset: it was closed
  if (!then.startsWith('reads')) socket.resume()
  await new Promise((resolve) => socket.once('connect', resolve))
  if (first !== '') socket.write(first)
  return { title, then, socket }
}

const goOn = ({ then, socket }: Player): void => {
  if (then === 'sends a byte' && socket.writable) socket.write('x')
  if (then === 'reads a little') socket.read(LITTLE_BYTES)
}

/**
 * Lets all of them loose on an engine and waits until it has closed every one, while it answers
 * others. `limitMs`: what the engine promises, and some more for a slow machine.
 */
export const expectShakenOff = async (harness: Harness, limitMs: number): Promise<void> => {
  const { port, connections, budget, engine, seen } = harness
  const players = await Promise.all(SLOW.map((slow) => start(port, slow)))
  const held = () => seen.filter(({ exchange }) => exchange.path === '/held')
  await until(() => held().length === 2, { what: 'the requests of those who do not read' })
  const answer = Buffer.alloc(ANSWER_BYTES, 'x')
  for (const { exchange } of held()) exchange.reply('200 OK', answer)
  await until(
    async () => {
      if (connections.open === 0) return true
      for (const player of players) goOn(player)
      await expectAlive(harness)
      return false
    },
    { what: 'all slow clients to be shaken off', timeoutMs: limitMs, everyMs: EVERY_MS },
  )
  expect([budget.takenBytes, engine.underWay]).toEqual([0, 0])
}
