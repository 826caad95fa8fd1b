/** Sends a message in every fragmentation at once, and tells what came of each. */

import { turns } from '../raw-client.ts'
import type { Harness } from '../suites/http-engine-harness.ts'
import { HIDDEN } from './cases.ts'

/**
 * Where a message is split: at every place, unless it is longer than `PLACES_MAX`, or at some,
 * evenly spread.
 */
export type Places = 'every' | 'some'
const PLACES_MAX = 600
const PLACES_OF_SOME = 61
/** Longer messages come in so many pieces, and not byte by byte. */
const PIECES_MAX = 300

/** Where a message of that length is cut: nowhere, at each place, and at every byte. */
const fragmentations = (length: number, places: Places): number[][] => {
  const isEvery = places === 'every' && length <= PLACES_MAX
  const step = isEvery ? 1 : Math.ceil(length / PLACES_OF_SOME)
  const pieceBytes = Math.ceil(length / PIECES_MAX)
  const every = (bytes: number) =>
    Array.from({ length: Math.ceil(length / bytes) - 1 }, (_, i) => (i + 1) * bytes)
  return [[], ...every(step).map((at) => [at]), every(pieceBytes)]
}

const cut = (message: string, cuts: readonly number[]): Buffer[] =>
  [0, ...cuts].map((from, i) => Buffer.from(message.slice(from, cuts[i]), 'latin1'))

const ANSWER = /HTTP\/1\.1 (\d{3}) (?:(?!HTTP\/1\.1 \d{3} ).)*/gs
const MARK = /\/(first|hidden|after)(\d{3})/

/** What an engine may answer to a request that it does not hand on. */
export const OWN_STATUSES: readonly string[] = ['400', '413', '431', '501', '505']

/** Which requests were answered, by their names, and the statuses that the engine gave itself. */
export const answersIn = (text: string): string[] =>
  [...text.matchAll(ANSWER)].flatMap(([answer, status]) => {
    if (status === '100') return []
    return [MARK.exec(answer)?.[1] ?? status!]
  })

/** What the server saw of connection `number`, as `first(body)`; `###` again for its number. */
const seenOf = ({ seen }: Harness, number: string): string[] =>
  seen
    .filter(({ exchange }) => MARK.exec(exchange.path)?.[2] === number)
    .map(({ exchange, body }) => {
      const text = body.replaceAll(number, '###').replaceAll(HIDDEN, 'HIDDEN')
      return `${MARK.exec(exchange.path)![1]}${text === '' ? '' : `(${text})`}`
    })

/**
 * What came of a message: the requests that the server saw, as `first(body)`, and whether the
 * connection is `open` before we close our side. Behind it what is wrong with the answers: each
 * request has one, in order, and then the engine may give one status of its own. Those before a
 * close may be missing: a client that still sends is reset, and what it has not read is lost.
 */
const resultOf = (harness: Harness, received: string, number: string, state: string): string => {
  const seen = seenOf(harness, number)
  const names = seen.map((each) => each.split('(', 1)[0])
  const answers = answersIn(received)
  const isRefused = state === 'closed' && OWN_STATUSES.includes(answers.at(-1) ?? '')
  const given = isRefused ? answers.slice(0, -1) : answers
  const wanted = state === 'closed' ? names.slice(0, given.length) : names
  const fault = given.join() === wanted.join() ? [] : [`, but answers ${answers}`]
  return [...seen, state, ...fault].join(' ')
}

/** Every result that some fragmentation has, with the cuts of an example. */
export const resultsOf = async (
  harness: Harness,
  message: string,
  places: Places,
): Promise<ReadonlyMap<string, readonly number[]>> => {
  const all = fragmentations(message.length, places)
  const opened = await Promise.all(all.map(() => harness.client()))
  const clients = opened.map((client, i) => {
    const number = String(100 + i)
    const pieces = cut(message.replaceAll('###', number), all[i]!)
    return { client, number, pieces, cuts: all[i]! }
  })
  const rounds = Math.max(...all.map(({ length }) => length + 1))
  for (let round = 0; round < rounds; round++) {
    for (const { client, pieces } of clients) {
      const piece = pieces[round]
      if (piece !== undefined && client.socket.writable) client.socket.write(piece)
    }
    await turns()
  }
  await turns(20)
  const results = new Map<string, readonly number[]>()
  for (const { client, number, cuts } of clients) {
    const { received } = client // what it says to our closing is no answer to the message
    const state = client.isClosed ? 'closed' : 'open'
    client.socket.end()
    await client.closed
    const result = resultOf(harness, received, number, state)
    if (!results.has(result)) results.set(result, cuts)
  }
  harness.seen.length = 0
  return results
}
