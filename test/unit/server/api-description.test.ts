import { expect, test } from 'vitest'
import { apiDescription } from '../../../src/server/api-description.ts'
import { THREAD_STATE, THREAD_WORDS } from '../../../src/shared/shared-memory.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RequestPath } from '../../helpers/request-path.ts'

const thread = () => new RequestPath(epochPlan(1, [plannedVersion({ model: 'm', version: 1 })]))

test('apiDescription() is written once an epoch, as bytes', () => {
  const path = thread()
  const { epoch } = path.epochs.current()
  const describe = apiDescription(true)
  const first = describe(epoch, '/openapi.json')?.()
  expect(first?.body).toBeInstanceOf(Uint8Array)
  expect(describe(epoch, '/openapi.json')?.()).toBe(first)
  path.commit(epochPlan(2, [plannedVersion({ model: 'n', version: 1 })]))
  const second = describe(path.epochs.current().epoch, '/openapi.json')?.()
  expect(String(first?.body)).toContain('/predict/m')
  expect(String(second?.body)).toContain('/predict/n')
  expect(String(second?.body)).not.toContain('/predict/m')
})

test('apiDescription() describes nothing but its own paths', () => {
  const { epoch } = thread().epochs.current()
  const known = (hasDocsPage: boolean) =>
    ['/openapi.json', '/docs', '/docs/start.js', '/v2'].filter(
      (path) => apiDescription(hasDocsPage)(epoch, path) !== null,
    )
  expect(known(true)).toEqual(['/openapi.json', '/docs', '/docs/start.js'])
  expect(known(false)).toEqual(['/openapi.json'])
})

test('a data thread tells the watchdog of every document that it begins and ends', () => {
  const path = thread()
  const { words } = path.memory.threads[0]!
  const beats = words[THREAD_WORDS.BEAT]!
  path.ask({ method: 'GET', path: '/openapi.json' })
  expect(words[THREAD_WORDS.BEAT]).toBe(beats + 2)
  expect(words[THREAD_WORDS.STATE]).toBe(THREAD_STATE.IDLE)
})
