import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { judgeTls } from '../../../../src/control/access/tls-material.ts'
import { makeCertificate } from '../../../helpers/certificates.ts'

const DAY_MS = 86_400_000
const NOW_MS = Date.UTC(2030, 0, 1)
const wish = { fromMs: NOW_MS - DAY_MS, toMs: NOW_MS + DAY_MS }
const pair = makeCertificate(wish)

const judge = (given: Partial<typeof pair>, nowMs = NOW_MS) =>
  judgeTls({ ...pair, ...given, minVersion: 'TLSv1.2' }, nowMs)

test('judgeTls() says until when a sound pair is valid', () => {
  expect(judge({})).toEqual({ expiresMs: NOW_MS + DAY_MS })
})

test('judgeTls() takes a chain', () => {
  const root = makeCertificate(wish)
  expect(judge({ certificate: pair.certificate + root.certificate })).toHaveProperty('expiresMs')
})

const encrypted = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
}).privateKey

const cut = pair.certificate.slice(0, -100)

test.each([
  ['no text', { certificate: '' }, 'no certificate'],
  ['another text', { certificate: 'hello' }, 'no certificate'],
  ['half a certificate', { certificate: cut }, 'no certificate'],
  ['a chain that is cut off', { certificate: pair.certificate + cut }, 'cannot be used'],
  ['the key for a certificate', { certificate: pair.privateKey }, 'no certificate'],
  ['no key', { privateKey: '' }, 'no private key'],
  ['the certificate for a key', { privateKey: pair.certificate }, 'no private key'],
  ['an encrypted key', { privateKey: encrypted }, 'not encrypted'],
  ['the key of another', { privateKey: makeCertificate(wish).privateKey }, 'not the key of'],
] as const)('judgeTls() refuses %s', (_what, given, reason) => {
  const said = judge(given)
  expect(said).toContain(reason)
  expect(said).not.toContain('BEGIN')
})

test('judgeTls() knows the day', () => {
  expect(judge({}, NOW_MS + DAY_MS)).toContain('has expired on')
  expect(judge({}, NOW_MS + DAY_MS - 1)).toHaveProperty('expiresMs')
  expect(judge({}, NOW_MS - DAY_MS - 1)).toContain('is not valid before')
})
