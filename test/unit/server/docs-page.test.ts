import { expect, test } from 'vitest'
import { DOCS_PATHS, docsDocument } from '../../../src/server/docs-page.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RequestPath } from '../../helpers/request-path.ts'

const textOf = (path: string): string => Buffer.from(docsDocument(path).body).toString()

const plan = () => epochPlan(1, [plannedVersion({ model: 'm', version: 1 })])

test.each([
  ['/docs', 'text/html', 400],
  ['/docs/start.js', 'text/javascript', 100],
  ['/docs/swagger-ui.css', 'text/css', 100_000],
  ['/docs/swagger-ui-bundle.js', 'text/javascript', 1_000_000],
])('docsDocument() of %s is %s under a strict policy', (path, type, bytesMin) => {
  const { status, head, body } = docsDocument(path)
  expect(status).toBe(200)
  expect(head).toContain(`content-type: ${type}; charset=utf-8\r\n`)
  expect(head).toContain("content-security-policy: default-src 'none'; script-src 'self';")
  expect(head).toContain('x-content-type-options: nosniff')
  expect(body.length).toBeGreaterThan(bytesMin)
})

test('docsDocument() of the page names files of ours only, by relative paths', () => {
  const text = textOf('/docs')
  const named = [...text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, name = '']) => name)
  const paths = named.filter((name) => name !== 'data:,').map((name) => `/${name.split('?')[0]}`)
  expect(paths.sort()).toEqual(['/openapi.json', ...DOCS_PATHS.slice(1)].sort())
  expect(text + textOf('/docs/start.js')).not.toMatch(/\/\//)
})

test('docsDocument() reads a file once', () => {
  const path = '/docs/swagger-ui.css'
  expect(docsDocument(path)).toBe(docsDocument(path))
})

test('docsDocument() says where the package is missing', () => {
  for (const path of DOCS_PATHS) {
    const { status, head, body } = docsDocument(path, 'unknown')
    expect(status).toBe(404)
    expect(head).toContain('content-type: text/plain')
    expect(body).toContain('swagger-ui-dist, which is not installed here')
  }
})

test.each([
  '/docs/',
  '/docs/package.json',
  '/docs/../package.json',
  '/docs/%2e%2e/package.json',
  '/docs/swagger-ui.css/',
  '/docs//swagger-ui.css',
  '/docs/constructor',
])('a data thread does not know %s', (path) => {
  const { answer } = new RequestPath(plan()).ask({ method: 'GET', path })
  expect(answer?.status).toBe(404)
  expect(answer?.headers.get('x-sluice-error')).toBe('ROUTE_NOT_FOUND')
})

test('a data thread takes GET and HEAD for the page, and counts it as answered', () => {
  const path = new RequestPath(plan())
  expect(path.ask({ method: 'GET', path: '/docs' }).answer?.status).toBe(200)
  expect(path.ask({ method: 'HEAD', path: '/docs' }).answer?.status).toBe(200)
  const refused = path.ask({ method: 'POST', path: '/docs' })
  expect(refused.answer?.status).toBe(405)
  expect(refused.header('allow')).toContain('GET, HEAD')
  expect(path.counts()).toEqual({ 'other ok': 2, 'other METHOD_NOT_ALLOWED': 1 })
})

test('a data thread without the page has the description all the same', () => {
  const path = new RequestPath(plan(), { hasDocsPage: false })
  for (const each of DOCS_PATHS) {
    expect(path.ask({ method: 'GET', path: each }).answer?.status).toBe(404)
  }
  expect(path.ask({ method: 'GET', path: '/openapi.json' }).answer?.status).toBe(200)
})
