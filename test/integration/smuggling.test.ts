/**
 * Messages whose end two servers might see in different places. However one is cut, an engine takes
 * it for what the case wants, or for what is listed as its deviation, and serves everybody else as
 * before. Listed is one request in the body of another that is answered (docs/decisions/0002).
 */

import { beforeAll, describe, expect, test } from 'vitest'
import { EXAMPLE_REPOSITORY, FLIGHT } from '../helpers/example.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { outcomeOf } from '../helpers/raw-client.ts'
import { runsFactor } from '../helpers/runs-factor.ts'
import { AFTER } from '../helpers/smuggling/cases.ts'
import { DEVIATIONS } from '../helpers/smuggling/deviations.ts'
import { answersIn, OWN_STATUSES, resultsOf } from '../helpers/smuggling/fragments.ts'
import { FRAMING } from '../helpers/smuggling/framing.ts'
import { HEADS } from '../helpers/smuggling/heads.ts'
import {
  expectAlive,
  type Harness,
  type PlainKind,
  post,
  startEngine,
} from '../helpers/suites/http-engine-harness.ts'

const CASES = [...FRAMING, ...HEADS]
const FRAMED = new Set(FRAMING.map(([title]) => title))
const KINDS: readonly PlainKind[] = ['uws', 'node']

const deviationOf = (kind: PlainKind, title: string) =>
  DEVIATIONS[kind].find(({ titles }) => titles.includes(title))

test('the lists of cases and of deviations fit together', () => {
  const titles = CASES.map(([title]) => title)
  expect(new Set(titles).size).toBe(titles.length)
  for (const kind of KINDS) {
    const listed = DEVIATIONS[kind].flatMap((deviation) => deviation.titles)
    expect(new Set(listed).size).toBe(listed.length)
    expect(titles).toEqual(expect.arrayContaining(listed))
  }
})

/** Cases of which an engine answers a request that the case does not want to be seen. */
const hiddenAnswered = (kind: PlainKind): string[] =>
  DEVIATIONS[kind]
    .filter(({ results }) => results.some((result) => result.includes('hidden')))
    .flatMap(({ titles }) => titles)
    .filter((title) => CASES.some(([own, , wanted]) => own === title && !/hidden/.test(wanted)))

test('a hidden request is answered where docs/life-of-a-request.md says so, and nowhere else', () => {
  expect(hiddenAnswered('node')).toEqual([])
  // Of the second, nothing is hidden: its client asks for a close and then sends a request.
  const known = ['CL twice, the first shorter', 'a close before another request']
  expect(hiddenAnswered('uws')).toEqual(known)
})

describe.each(KINDS)('the %s engine', (kind) => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startEngine(kind)
  })

  const isThorough = runsFactor() > 1
  test.each(CASES)('%s', async (title, message, wanted) => {
    const innocent = await harness.client()
    const [start, rest] = [post('/innocent', 'inno'), 'cent'] as const
    await innocent.send(start.replace('content-length: 4', 'content-length: 8'))
    // In a head the end of the message is where a blank line is; what is framed has many places.
    const places = isThorough || FRAMED.has(title) ? 'every' : 'some'
    const results = await resultsOf(harness, message + AFTER, places)
    await innocent.send(rest)
    expect(await innocent.answer()).toMatchObject({ status: 200, body: 'innocent' })
    await expectAlive(harness)
    harness.seen.length = 0

    const found = [...results.keys()].sort()
    const expected = deviationOf(kind, title)?.results ?? [wanted]
    expect(found, JSON.stringify([...results])).toEqual([...expected].sort())
  })
})

/** Names of the requests that a case may have answered. */
const namesOf = (kind: PlainKind, title: string, wanted: string): string[] => {
  const results = deviationOf(kind, title)?.results ?? [wanted]
  return results.flatMap((result) => result.match(/first|hidden|after/g) ?? [])
}

describe.each(KINDS)('a gateway on %s', (kind) => {
  let gateway: TestGateway
  let pids: ReadonlyMap<number, number>
  beforeAll(async () => {
    gateway = await startGateway({ repository: EXAMPLE_REPOSITORY, flags: ['--http', kind] })
    pids = await gateway.replicaPids()
  })

  test('answers of the corpus what its engine is listed to see, and lives', async () => {
    for (const [title, message, wanted] of CASES) {
      const bytes = Buffer.from((message + AFTER).replaceAll('###', '100'), 'latin1')
      const { text } = await outcomeOf(gateway.httpPort, bytes)
      const answers = answersIn(text)
      const named = answers.filter((answer) => !/^\d/.test(answer))
      const statuses = answers.filter((answer) => /^\d/.test(answer))
      expect(namesOf(kind, title, wanted), title).toEqual(expect.arrayContaining(named))
      for (const status of statuses) expect(OWN_STATUSES, title).toContain(status)
      const innocent = await gateway.post('/predict', { features: FLIGHT })
      expect(innocent.status, title).toBe(200)
      await innocent.arrayBuffer()
    }
    expect(await gateway.replicaPids()).toEqual(pids)
  })
})
