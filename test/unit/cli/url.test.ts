import { expect, test } from 'vitest'
import { formatUrl, grpcAddress, parseServer, parseTimeout } from '../../../src/cli/url.ts'

test.each([
  ['127.0.0.1', 'http://127.0.0.1:8000'],
  ['example.org', 'http://example.org:8000'],
  ['0.0.0.0', 'http://localhost:8000'],
  ['::', 'http://localhost:8000'],
  ['::1', 'http://[::1]:8000'],
  ['2001:db8::7', 'http://[2001:db8::7]:8000'],
])('formatUrl() of %s is %s', (host, url) => {
  expect(formatUrl(host, 8000)).toBe(url)
})

test.each([
  ['127.0.0.1', 8001, '127.0.0.1:8001'],
  ['0.0.0.0', 8001, 'localhost:8001'],
  ['::1', 8001, '[::1]:8001'],
  ['::1', null, null],
])('grpcAddress() of %s and %s is %s', (httpHost, grpcPort, address) => {
  expect(grpcAddress({ httpHost, grpcPort })).toBe(address)
})

test.each([
  ['http://127.0.0.1:8002', 'http://127.0.0.1:8002'],
  ['http://127.0.0.1:8002///', 'http://127.0.0.1:8002'],
  ['https://gateway/sluice/', 'https://gateway/sluice'],
  ['HTTP://[::1]:8002', 'http://[::1]:8002'],
  ['', 'http://127.0.0.1:8002'],
])('parseServer() takes %j for %s', (text, url) => {
  expect(parseServer(text)).toBe(url)
})

test.each([
  ['127.0.0.1:8002', 'http://127.0.0.1:8002'],
  ['localhost:9', 'http://localhost:9'],
  ['ftp://host', 'http://host'],
  ['::1:8002', 'http://127.0.0.1:8002'], // nothing near to it
  ['not a url', 'http://127.0.0.1:8002'],
  ['http://', 'http://127.0.0.1:8002'],
])('parseServer() refuses %j and shows %s', (text, hint) => {
  expect(() => parseServer(text)).toThrow(`A URL is wanted, such as ${hint}`)
})

test('parseServer() refuses what is no part of an address, and does not repeat it', () => {
  for (const url of ['http://me:secret@host', 'http://host?a=1', 'http://host/#x']) {
    expect(() => parseServer(url)).toThrow(/^It holds more than an address: http:\/\/host$/)
  }
})

test.each([
  ['5', 5000],
  ['5s', 5000],
  ['0.5s', 500],
  ['500ms', 500],
  ['2m', 120_000],
])('parseTimeout() of %s is %i', (text, ms) => {
  expect(parseTimeout(text)).toBe(ms)
})

test.each(['', '0', '-1', 's', '1h', '1e9', 'Infinity', '5 s', '99999999'])(
  'parseTimeout() refuses %j',
  (text) => {
    expect(() => parseTimeout(text)).toThrow('such as 500ms, 10s or 2m')
  },
)
