import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { judgeTls } from '../../../../src/control/access/tls-material.ts'
import { makeCertificate } from '../../../helpers/certificates.ts'

const DAY_MS = 86_400_000
const NOW_MS = Date.UTC(2030, 0, 1)
const wish = { fromMs: NOW_MS - DAY_MS, toMs: NOW_MS + DAY_MS }
const pair = makeCertificate(wish)

const judge = (given: Partial<typeof pair & { clientCa: string }>, nowMs = NOW_MS) =>
  judgeTls({ ...pair, clientCa: null, ...given, minVersion: 'TLSv1.2' }, nowMs)

test('judgeTls() says until when a sound pair is valid', () => {
  expect(judge({})).toEqual({ expiresMs: NOW_MS + DAY_MS, clientCaExpiresMs: null })
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
  ['no certificate for clients', { clientCa: '' }, 'client_ca_file holds no certificate'],
  ['a key for clients', { clientCa: pair.privateKey }, 'client_ca_file holds no certificate'],
  ['half a certificate for clients', { clientCa: cut }, 'client_ca_file holds no certificate'],
  ['one and a half for clients', { clientCa: pair.certificate + cut }, 'that is damaged'],
  ['a half and one for clients', { clientCa: cut + pair.certificate }, 'that is damaged'],
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

test('judgeTls() says until when clients can come', () => {
  const old = makeCertificate({ fromMs: NOW_MS - 9 * DAY_MS, toMs: NOW_MS - DAY_MS })
  const late = makeCertificate({ fromMs: NOW_MS + DAY_MS, toMs: NOW_MS + 9 * DAY_MS })
  const text = (...pairs: (typeof pair)[]) =>
    pairs.map(({ certificate }, i) => `# ${i}\r\n${certificate}`).join('\n')
  const endsAfter = (days: number) => ({ clientCaExpiresMs: NOW_MS + days * DAY_MS })
  expect(judge({ clientCa: text(old, pair) })).toMatchObject(endsAfter(1))
  expect(judge({ clientCa: text(pair, late) })).toMatchObject(endsAfter(9))
  expect(judge({ clientCa: text(late) })).toContain('is valid yet')
  expect(judge({ clientCa: text(old) })).toContain('have expired')
  const tls = { ...pair, clientCa: text(old), minVersion: 'TLSv1.2' } as const
  expect(judgeTls(tls, NOW_MS, true)).toMatchObject(endsAfter(-1))
})
