/**
 * Messages whose end two servers might see in different places. Whatever one is and however it is
 * cut, a server must take it for the same, never find a request in the body of another, and serve
 * everybody else as before.
 */

import { beforeAll, describe, expect, test } from 'vitest'
import { EXAMPLE_REPOSITORY, FLIGHT } from '../helpers/example.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { outcomeOf } from '../helpers/raw-client.ts'
import { AFTER } from '../helpers/smuggling/cases.ts'
import { DEVIATIONS } from '../helpers/smuggling/deviations.ts'
import { answersIn, OWN_STATUSES, resultsOf } from '../helpers/smuggling/fragments.ts'
import { FRAMING } from '../helpers/smuggling/framing.ts'
import { HEADS } from '../helpers/smuggling/heads.ts'
import {
  type EngineKind,
  expectAlive,
  type Harness,
  post,
  startEngine,
} from '../helpers/suites/http-engine-harness.ts'

const CASES = [...FRAMING, ...HEADS]
const KINDS: readonly EngineKind[] = ['uws', 'node']

const deviationOf = (kind: EngineKind, title: string) =>
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

describe.each(KINDS)('the %s engine', (kind) => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startEngine(kind)
  })

  test.each(CASES)('%s', async (title, message, wanted) => {
    const innocent = await harness.client()
    const [start, rest] = [post('/innocent', 'inno'), 'cent'] as const
    await innocent.send(start.replace('content-length: 4', 'content-length: 8'))
    const results = await resultsOf(harness, message + AFTER)
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
const namesOf = (kind: EngineKind, title: string, wanted: string): string[] => {
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

  test('answers nothing that is hidden in the corpus, and lives', async () => {
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
