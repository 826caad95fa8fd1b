import { expect, test } from 'vitest'
import { apiDescription } from '../../../src/server/api-description.ts'
import { THREAD_STATE, THREAD_WORDS } from '../../../src/shared/shared-memory.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { type DocumentText, validatorOf } from '../../helpers/openapi.ts'
import { RequestPath } from '../../helpers/request-path.ts'

const thread = () => new RequestPath(epochPlan(1, [plannedVersion({ model: 'm', version: 1 })]))

test('apiDescription() is written once an epoch, as bytes', () => {
  const path = thread()
  const { epoch } = path.epochs.current()
  const describe = apiDescription({ hasDocsPage: true, hasFeedback: true })
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
      (path) => apiDescription({ hasDocsPage, hasFeedback: true })(epoch, path) !== null,
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

const REFERENCE = /^#\/components\/schemas\/(.*)$/

test('a data thread has every path that is described, with its methods and answers', () => {
  const path = thread()
  const text = path.ask({ method: 'GET', path: '/openapi.json' }).answer!.body
  const document = JSON.parse(text) as DocumentText
  const validate = validatorOf(document)
  let validated = 0
  /** What control is to answer; its answers are held to the description where it makes them. */
  const forwarded: string[] = []
  for (const [template, item] of Object.entries(document.paths)) {
    const at = template.replace('{version}', '1').replace('{repository}', 'any')
    const allowed = path.ask({ method: 'OPTIONS', path: at }).header('allow')?.split(', ')
    const methods = Object.keys(item).map((method) => method.toUpperCase())
    expect(allowed, at).toEqual(expect.arrayContaining(methods))
    if (item['get'] === undefined) continue
    const { answer } = path.ask({ method: 'GET', path: at })
    if (answer === null) {
      forwarded.push(path.called.at(-1)!.call.kind)
      continue
    }
    expect(answer.status, at).toBe(200)
    const [type, { schema }] = Object.entries(item['get'].responses['200']!.content!)[0]!
    expect(answer.headers.get('content-type')?.split(';')[0]).toBe(type)
    const [, component] = REFERENCE.exec((schema as { $ref?: string }).$ref ?? '') ?? []
    if (component === undefined) continue
    expect(validate(component, JSON.parse(answer.body)), at).toBeNull()
    validated++
  }
  expect(validated).toBe(12)
  expect(new Set(forwarded)).toEqual(new Set(['model_statistics', 'model_config']))
})
