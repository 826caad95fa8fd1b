/** What README.md tells a stranger to type is typed here. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startGateway } from '../helpers/gateway.ts'

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** Path and body of the `curl` example. */
const example = (): { path: string; body: string } => {
  const readme = readFileSync(at('README.md'), 'utf8')
  const found = /curl -s http:\/\/127\.0\.0\.1:8000(\/\S+) -d '([^']+)'/.exec(readme)
  return { path: found?.[1] ?? '', body: found?.[2] ?? '' }
}

test('README.md: the curl of the example gets a score from the config that npm start serves', async () => {
  const { scripts } = JSON.parse(readFileSync(at('package.json'), 'utf8'))
  const config = /--config (\S+)/.exec(scripts.start)?.[1] ?? ''
  const gateway = await startGateway({ config: at(config) })
  const { path, body } = example()
  const response = await gateway.post(path, body)
  expect(response.status).toBe(200)
  const answer = (await response.json()) as { score: number }
  expect(answer).toMatchObject({ metadata: { model: 'flight-delay' } })
  expect(answer.score).toBeGreaterThan(0)
  expect(answer.score).toBeLessThan(1)
})
