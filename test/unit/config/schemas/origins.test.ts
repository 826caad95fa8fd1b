import { expect, test } from 'vitest'
import { formatProblem } from '../../../../src/config/problems.ts'
import { originFault } from '../../../../src/config/schemas/origins.ts'
import { configProblems, loadedConfig, REPOSITORY } from '../../../helpers/config.ts'

test.each([
  'https://app.example.com',
  'http://localhost:3000',
  'http://127.0.0.1:8080',
  'http://[::1]:8080',
  'https://xn--zrich-kva.example',
  'chrome-extension://abcdefghijklmnop',
  'capacitor://localhost',
  '*',
])('originFault() finds nothing in %s', (text) => {
  expect(originFault(text)).toBeNull()
})

test.each([
  ['null', 'pages of no origin say null, and so can every hostile page'],
  ['https://app.example.com/', 'an origin has no slash at its end'],
  ['https://app.example.com/app', 'an origin has no path'],
  ['https://app.example.com?', 'browsers send it as https://app.example.com'],
  ['https://app.example.com?a=b', 'an origin has no query and no fragment'],
  ['https://app.example.com#a', 'an origin has no query and no fragment'],
  ['https://user@app.example.com', 'an origin has no user name or password'],
  ['https://*.example.com', 'patterns are not supported: list each origin, or "*" alone'],
  ['https://APP.example.com', 'browsers send it as https://app.example.com'],
  ['HTTPS://app.example.com', 'browsers send it as https://app.example.com'],
  ['https://app.example.com:443', 'browsers send it as https://app.example.com'],
  ['https://zürich.example', 'browsers send it as https://xn--zrich-kva.example'],
  [' https://app.example.com', 'browsers send it as https://app.example.com'],
  ['https://a.example, https://b.example', 'wanted scheme://host, or scheme://host:port'],
  ['https://a\r\nb', 'browsers send it as https://ab'],
  ['app.example.com', 'wanted scheme://host, or scheme://host:port'],
  ['localhost:3000', 'wanted scheme://host, or scheme://host:port'],
  ['https://', 'wanted scheme://host, or scheme://host:port'],
  ['', 'wanted scheme://host, or scheme://host:port'],
  ['Capacitor://Localhost', 'wanted lower case'],
])('originFault() of %j: %s', (text, fault) => {
  expect(originFault(text)).toBe(fault)
})

const HINT = '  (such as ["https://app.example.com"], or ["*"] for all pages)'

test.each([
  [
    'an origin that is none',
    'cors: {origins: ["https://a.example", "https://b.example/"]}',
    'sluice.yaml:2:39  cors.origins.1: got "https://b.example/"; an origin has no slash at its end',
  ],
  [
    'all and one',
    'cors: {origins: ["*", "https://a.example"]}',
    `sluice.yaml:2:8  cors.origins: "*" allows all; leave out the others${HINT}`,
  ],
  [
    'an origin alone',
    'cors: {origins: https://a.example}',
    `sluice.yaml:2:8  cors.origins: got "https://a.example"; wanted list of string, at most 100${HINT}`,
  ],
  [
    'nothing in the list',
    'cors: {origins: [null]}',
    'sluice.yaml:2:18  cors.origins.0: got nothing; wanted string',
  ],
])('origins refuses %s and says where', (_name, text, line) => {
  expect(configProblems(REPOSITORY + text).map(formatProblem)).toEqual([line])
})

test('origins are taken from the file, and from a variable as a list', () => {
  const file = loadedConfig(`${REPOSITORY}cors: {origins: ["*"]}`)
  expect(file.config.cors.origins).toEqual(['*'])
  const env = { SLUICE_CORS__ORIGINS: '["https://a.example"]' }
  expect(loadedConfig(REPOSITORY, { env }).config.cors.origins).toEqual(['https://a.example'])
})
