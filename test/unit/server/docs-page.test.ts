import { expect, test } from 'vitest'
import { DOCS_PACKAGE, docsPage } from '../../../src/server/docs-page.ts'
import { packageVersion } from '../../../src/shared/package-version.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RequestPath } from '../../helpers/request-path.ts'

const VERSION = packageVersion(DOCS_PACKAGE)
const PAGE = docsPage(VERSION)

const textOf = (path: string): string => Buffer.from(PAGE.get(path)!().body).toString()

const plan = () => epochPlan(1, [plannedVersion({ model: 'm', version: 1 })])

test.each([
  ['/docs', 'text/html', 400],
  ['/docs/start.js', 'text/javascript', 100],
  [`/docs/${VERSION}/swagger-ui.css`, 'text/css', 100_000],
  [`/docs/${VERSION}/swagger-ui-bundle.js`, 'text/javascript', 1_000_000],
])('docsPage() of %s is %s under a strict policy', (path, type, bytesMin) => {
  const { status, head, body } = PAGE.get(path)!()
  expect(status).toBe(200)
  expect(head).toContain(`content-type: ${type}; charset=utf-8\r\n`)
  expect(head).toContain("content-security-policy: default-src 'none'; script-src 'self';")
  expect(head).toContain('x-content-type-options: nosniff')
  expect(body.length).toBeGreaterThan(bytesMin)
})

test('docsPage() of the page names files of ours only, by relative paths', () => {
  const text = textOf('/docs')
  const named = [...text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, name = '']) => name)
  const paths = named.filter((name) => name !== 'data:,').map((name) => `/${name}`)
  expect(paths.sort()).toEqual(['/openapi.json', ...[...PAGE.keys()].slice(1)].sort())
  expect(text + textOf('/docs/start.js')).not.toMatch(/\/\//)
})

test('docsPage() reads a file once', () => {
  const file = PAGE.get(`/docs/${VERSION}/swagger-ui.css`)!
  expect(file()).toBe(file())
})

test('docsPage() says where the package is missing', () => {
  const { status, head, body } = docsPage('unknown').get('/docs')!()
  expect(status).toBe(404)
  expect(head).toContain('content-type: text/plain')
  expect(body).toContain('swagger-ui-dist, which is not installed here')
})

test('docsPage() may be kept for good only under the version of the package', () => {
  for (const [path, file] of PAGE) {
    expect(file().head?.includes('immutable'), path).toBe(path.includes(VERSION))
  }
})

test.each([
  '/docs/',
  '/docs/package.json',
  '/docs/../package.json',
  '/docs/%2e%2e/package.json',
  '/docs/swagger-ui.css',
  '/docs/5.0.0/swagger-ui.css',
  `/docs/${VERSION}/swagger-ui.css/`,
  `/docs/${VERSION}//swagger-ui.css`,
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
  for (const each of PAGE.keys()) {
    expect(path.ask({ method: 'GET', path: each }).answer?.status).toBe(404)
  }
  expect(path.ask({ method: 'GET', path: '/openapi.json' }).answer?.status).toBe(200)
})
