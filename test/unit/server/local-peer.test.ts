import { expect, test } from 'vitest'
import { isForLocals, isLoopback, tellsOfOthers } from '../../../src/server/local-peer.ts'

test.each([
  ['127.0.0.1', true],
  ['127.255.0.9', true],
  ['::1', true],
  ['0000:0000:0000:0000:0000:0000:0000:0001', true],
  ['::ffff:127.0.0.1', true],
  ['0000:0000:0000:0000:0000:ffff:7f00:0001', true],
  ['128.0.0.1', false],
  ['0.0.0.0', false],
  ['::', false],
  ['::2', false],
  ['::ffff:10.0.0.1', false],
  ['::127.0.0.1', false],
  ['10.127.0.1', false],
  ['127.0.0.1.example', false],
  ['', false],
])('isLoopback() of %s: %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected)
})

test.each([
  ...['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded', 'x-real-ip', 'via'],
  ...['origin', 'sec-fetch-site'],
])('tellsOfOthers() is true of %s', (name) => {
  expect(tellsOfOthers(name)).toBe(true)
})

test.each(['host', 'user-agent', 'accept', 'content-type', 'sec-fetch-mode', 'x-request-id'])(
  'tellsOfOthers() is false of %s, which programs send',
  (name) => {
    expect(tellsOfOthers(name)).toBe(false)
  },
)

test.each([
  ['/v2/repository/models/m/load', true],
  ['/v2/repository/index', true],
  ['/v2/models/m/infer', false],
  ['/predict', false],
])('isForLocals() of %s: %s', (path, expected) => {
  expect(isForLocals(path)).toBe(expected)
})
