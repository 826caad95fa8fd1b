import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import type { EnvelopeBody } from '../../../../proto/control-envelope.ts'
import { AccessTakenSchema } from '../../../../proto/gen/control_pb.ts'
import type { ApiKey } from '../../../../src/config/config.ts'
import {
  ClientAccess,
  plannedKey,
  type Told,
} from '../../../../src/control/access/client-access.ts'
import { decodeAccess } from '../../../../src/shared/access-plan.ts'
import { createLogger } from '../../../../src/shared/logger.ts'
import { makeCertificate } from '../../../helpers/certificates.ts'
import { FakeClock, settle } from '../../../helpers/fake-clock.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const DAY_MS = 86_400_000
const logger = createLogger({ level: 'silent', component: 'test' })
const KEY: ApiKey = {
  name: 'a',
  sha256: 'a'.repeat(64),
  endpoints: null,
  requestsPerSecond: 10,
  burst: 5,
  priority: 2,
}
const NO_TLS = { certFile: null, keyFile: null, minVersion: 'TLSv1.2' } as const

const configOf = (
  keys: readonly ApiKey[],
  tls: Parameters<ClientAccess['reload']>[0]['tls'] = NO_TLS,
  clientCaFile: string | null = null,
) => ({
  access: { keys, keysFile: null },
  grpc: { clientCaFile },
  tls,
})

/** A replica that notes what it is told. */
class Listener implements Told {
  readonly index: number
  readonly told: ReturnType<typeof decodeAccess>[] = []
  failure = ''
  readonly link = { call: (body: EnvelopeBody) => this.#take(body) }

  constructor(index: number) {
    this.index = index
  }

  #take(body: EnvelopeBody): Promise<EnvelopeBody> {
    if (body.case === 'access') this.told.push(decodeAccess(body.value.plan))
    if (this.failure === 'gone') return Promise.reject(new Error('the link has closed'))
    const value = create(AccessTakenSchema, { failure: this.failure })
    return Promise.resolve({ case: 'accessTaken', value })
  }
}

const begin = (config: ReturnType<typeof configOf>, replicas = 2, mayBeServed = false) => {
  const clock = new FakeClock()
  const access = new ClientAccess(config, { clock, logger, replicas, mayBeServed })
  const listeners = Array.from({ length: replicas }, (_, index) => new Listener(index))
  access.start(() => listeners, mayBeServed)
  return { clock, access, listeners }
}

test.each([
  [10, 5, 1, { perSecond: 10, burst: 5 }],
  [10, 5, 2, { perSecond: 5, burst: 3 }],
  [10, 1, 4, { perSecond: 2.5, burst: 1 }],
  [null, 5, 2, null],
])('plannedKey() of %s a second and %i at once, among %i', (perSecond, burst, replicas, rate) => {
  const key = plannedKey({ ...KEY, requestsPerSecond: perSecond, burst }, replicas)
  expect(key).toMatchObject({ name: 'a', priority: 2, rate })
})

test('welcome() tells a replica before the call returns', () => {
  const { access, listeners } = begin(configOf([KEY]))
  access.welcome(listeners[0]!)
  expect(listeners[0]!.told).toMatchObject([{ keys: [{ name: 'a' }], tls: null }])
  expect(listeners[1]!.told).toEqual([])
})

test('reload() tells all replicas what has changed', () => {
  const { access, listeners } = begin(configOf([KEY]))
  access.reload(configOf([]))
  expect(listeners.map(({ told }) => told)).toEqual([
    [{ keys: [], tls: null }],
    [{ keys: [], tls: null }],
  ])
})

const withTls = () => {
  const folder = makeTempDir('tls')
  const tls = {
    certFile: join(folder, 'c.pem'),
    keyFile: join(folder, 'k.pem'),
    minVersion: 'TLSv1.2' as const,
  }
  const make = (name: string) => {
    const nowMs = new FakeClock().now()
    return makeCertificate({ name, fromMs: nowMs - DAY_MS, toMs: nowMs + 90 * DAY_MS })
  }
  const write = (name: string) => {
    const pair = make(name)
    writeFileSync(tls.certFile, pair.certificate)
    writeFileSync(tls.keyFile, pair.privateKey)
    return pair
  }
  return { tls, make, write, first: write('first') }
}

test('a new certificate goes to all replicas by itself', async () => {
  const { tls, write, first } = withTls()
  const { clock, access, listeners } = begin(configOf([], tls))
  access.welcome(listeners[0]!)
  const next = write('next')
  await clock.advance(5000)
  expect(listeners[0]!.told).toMatchObject([{ tls: first }, { tls: next }])
  expect(listeners[1]!.told).toMatchObject([{ tls: next }])
  access.stop()
  expect(clock.pending).toBe(0)
})

test('warnings() name the replica that keeps its certificate, until it takes another', async () => {
  const { tls, write } = withTls()
  const { access, listeners } = begin(configOf([], tls))
  listeners[1]!.failure = 'the HTTP engine does not take this certificate'
  write('next')
  access.reload(configOf([], tls))
  await settle()
  expect(access.warnings()).toEqual([expect.stringMatching(/^replica 1 keeps .* not take/)])
  listeners[1]!.failure = ''
  access.reload(configOf([], tls))
  await settle()
  expect(access.warnings()).toEqual([])
})

test('replicas that serve keep their certificate while there is none that can be used', async () => {
  const { tls, write } = withTls()
  writeFileSync(tls.certFile, 'garbage')
  const { clock, access, listeners } = begin(configOf([KEY], tls), 2, true)
  access.welcome(listeners[0]!)
  expect(listeners[0]!.told).toMatchObject([{ keys: [{ name: 'a' }], tls: null }])
  expect([access.isTls, access.expiresMs]).toEqual([true, null])
  expect(access.warnings()).toEqual([
    expect.stringMatching(/from before stays: .*holds no certificate/),
  ])
  const next = write('next')
  await clock.advance(5000)
  expect(listeners.map(({ told }) => told.at(-1))).toMatchObject([{ tls: next }, { tls: next }])
  expect(access.warnings()).toEqual([])
})

test('a certificate that cannot be used is refused where nobody has another', () => {
  const { tls } = withTls()
  writeFileSync(tls.certFile, 'garbage')
  const config = configOf([], tls)
  const refusal = expect.objectContaining({ code: 'CONFIG_INVALID' })
  expect(() => begin(config)).toThrow(refusal)
  const parts = { clock: new FakeClock(), logger, replicas: 1, mayBeServed: true }
  expect(() => new ClientAccess(config, parts).start(() => [], false)).toThrow(refusal)
})

test('a replica that goes while it is told is no fault', async () => {
  const { access, listeners } = begin(configOf([KEY]))
  listeners[0]!.failure = 'gone'
  access.welcome(listeners[0]!)
  await settle()
  expect(access.warnings()).toEqual([])
})

test('TLS comes and goes with a restart only', () => {
  const { tls } = withTls()
  const plain = begin(configOf([])).access
  plain.reload(configOf([], tls))
  expect([plain.isTls, plain.warnings()]).toEqual([
    false,
    [expect.stringContaining('needs a restart')],
  ])
  plain.reload(configOf([]))
  expect(plain.warnings()).toEqual([])
  const secure = begin(configOf([], tls)).access
  secure.reload(configOf([]))
  expect([secure.isTls, secure.warnings()]).toEqual([
    true,
    [expect.stringContaining('needs a restart')],
  ])
  expect(secure.expiresMs).toBeGreaterThan(0)
})

test('certificates for clients come and go with a restart only, and change without', async () => {
  const { tls, make, first } = withTls()
  const fileOf = (name: string) => {
    const file = join(tls.certFile, '..', name)
    writeFileSync(file, make(name).certificate)
    return file
  }
  const [one, two] = [fileOf('one.pem'), fileOf('two.pem')]
  const told = ({ listeners }: ReturnType<typeof begin>) => listeners[0]!.told.at(-1)?.tls
  const without = begin(configOf([], tls))
  without.access.reload(configOf([], tls, one))
  expect([told(without), without.access.warnings()]).toEqual([
    expect.objectContaining({ ...first, clientCa: null }),
    ['grpc.client_ca_file has come or gone, which needs a restart'],
  ])
  const { clock, access, listeners } = begin(configOf([], tls, one))
  access.welcome(listeners[0]!)
  const clientCa = readFileSync(one, 'latin1')
  expect(listeners[0]!.told).toMatchObject([{ tls: { ...first, clientCa } }])
  access.reload(configOf([], tls))
  expect(listeners[0]!.told.at(-1)).toMatchObject({ tls: { clientCa } })
  expect(access.warnings()).toEqual([expect.stringContaining('client_ca_file has come or gone')])
  access.reload(configOf([], tls, two))
  const next = readFileSync(two, 'latin1')
  expect([listeners[0]!.told.at(-1), access.warnings()]).toMatchObject([
    ...[{ tls: { clientCa: next } }, []],
  ])
  writeFileSync(two, clientCa)
  await clock.advance(5000)
  expect(listeners[0]!.told.at(-1)).toMatchObject({ tls: { clientCa } })
})
