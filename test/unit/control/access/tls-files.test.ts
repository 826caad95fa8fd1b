import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { TlsFiles, type TlsPlace } from '../../../../src/control/access/tls-files.ts'
import { createLogger } from '../../../../src/shared/logger.ts'
import { type CertificatePair, makeCertificate } from '../../../helpers/certificates.ts'
import { FakeClock } from '../../../helpers/fake-clock.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const DAY_MS = 86_400_000
const logger = createLogger({ level: 'silent', component: 'test' })

const makeWorld = (days = 90) => {
  const clock = new FakeClock()
  const make = (name: string, more = days) =>
    makeCertificate({ name, fromMs: clock.now() - DAY_MS, toMs: clock.now() + more * DAY_MS })
  const folder = makeTempDir('tls')
  const place: TlsPlace = {
    certFile: join(folder, 'cert.pem'),
    keyFile: join(folder, 'key.pem'),
    minVersion: 'TLSv1.2',
    clientCaFile: null,
  }
  const write = ({ certificate, privateKey }: CertificatePair) => {
    writeFileSync(place.certFile, certificate)
    writeFileSync(place.keyFile, privateKey)
  }
  const first = make('first')
  write(first)
  const files = new TlsFiles(place, clock, logger)
  const changes = { count: 0 }
  const end = files.watch(() => {
    changes.count++
  })
  return { clock, folder, place, make, write, first, files, changes, end }
}

test('watch() finds a new certificate, once', async () => {
  const { clock, make, write, files, changes } = makeWorld()
  await clock.advance(20_000)
  expect(changes.count).toBe(0)
  const next = make('next')
  write(next)
  await clock.advance(5000)
  expect(changes.count).toBe(1)
  expect(files.material).toMatchObject(next)
  await clock.advance(20_000)
  expect(changes.count).toBe(1)
})

test('what is not sound changes nothing, and is said until it is', async () => {
  const { clock, make, write, place, first, files, changes } = makeWorld()
  const next = make('next')
  writeFileSync(place.certFile, next.certificate)
  await clock.advance(5000)
  expect(files.warnings()).toEqual([expect.stringContaining('not the key of the certificate')])
  rmSync(place.certFile)
  await clock.advance(5000)
  expect(files.warnings()).toEqual([expect.stringContaining('no such file')])
  writeFileSync(place.certFile, 'garbage')
  await clock.advance(5000)
  expect(files.warnings()).toEqual([expect.stringContaining('no certificate in PEM')])
  expect([changes.count, files.material]).toEqual([0, expect.objectContaining(first)])
  write(next)
  await clock.advance(5000)
  expect([changes.count, files.warnings()]).toEqual([1, []])
  expect(files.material).toMatchObject(next)
})

test('an expired certificate is not taken', async () => {
  const { clock, make, write, first, files, changes } = makeWorld()
  write(make('old', -0.5))
  await clock.advance(5000)
  expect([changes.count, files.material]).toEqual([0, expect.objectContaining(first)])
  expect(files.warnings()[0]).toContain('has expired')
})

test('watch() follows a folder that is swapped as a whole, as Kubernetes does', async () => {
  const { clock, make, folder, files, changes } = makeWorld()
  const put = (name: string, { certificate, privateKey }: CertificatePair) => {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'cert.pem'), certificate)
    writeFileSync(join(folder, name, 'key.pem'), privateKey)
    symlinkSync(name, join(folder, 'next'))
    renameSync(join(folder, 'next'), join(folder, 'live'))
  }
  put('a', make('a'))
  const live = join(folder, 'live')
  files.move({
    certFile: join(live, 'cert.pem'),
    keyFile: join(live, 'key.pem'),
    minVersion: 'TLSv1.2',
    clientCaFile: null,
  })
  const next = make('b')
  put('b', next)
  await clock.advance(5000)
  expect(changes.count).toBe(1)
  expect(files.material).toMatchObject(next)
})

test('move() takes another oldest version for a change', () => {
  const { place, files } = makeWorld()
  expect(files.move(place)).toBe(false)
  expect(files.move({ ...place, minVersion: 'TLSv1.3' })).toBe(true)
  expect(files.material?.minVersion).toBe('TLSv1.3')
})

test('warnings() tell of the end of what is used, before and after it', async () => {
  const { clock, files } = makeWorld(30)
  expect(files.warnings()).toEqual([])
  clock.jump(17 * DAY_MS)
  expect(files.warnings()).toEqual([expect.stringContaining('expires on')])
  clock.jump(14 * DAY_MS)
  expect(files.warnings()).toEqual([expect.stringContaining('has expired on')])
})

test('TlsFiles that begins with what is not sound has nothing, until there is something', async () => {
  const { place, make, write } = makeWorld()
  writeFileSync(place.keyFile, 'garbage')
  const clock = new FakeClock()
  const files = new TlsFiles(place, clock, logger)
  expect([files.material, files.expiresMs]).toEqual([null, null])
  expect(files.fault).toMatch(/no private key/)
  let changes = 0
  files.watch(() => void changes++)
  const next = make('next')
  write(next)
  await clock.advance(5000)
  expect([changes, files.fault, files.material]).toEqual([1, null, expect.objectContaining(next)])
})

test('TlsFiles begins with what has expired, and says so', () => {
  const { place, make, write, clock } = makeWorld()
  const old = make('old', -0.5)
  write(old)
  const files = new TlsFiles(place, clock, logger)
  expect([files.fault, files.material]).toEqual([null, expect.objectContaining(old)])
  expect(files.warnings()).toEqual([expect.stringContaining('has expired on')])
})

test('the end of watch() ends it', async () => {
  const { clock, make, write, changes, end } = makeWorld()
  end()
  write(make('next'))
  await clock.advance(10_000)
  expect([changes.count, clock.pending]).toEqual([0, 0])
})

test('watch() finds new certificates for clients, and a bad file changes nothing', async () => {
  const { clock, folder, place, make, first, files, changes } = makeWorld()
  const clientCaFile = join(folder, 'ca.pem')
  const ca = make('ca')
  writeFileSync(clientCaFile, ca.certificate)
  expect(files.move({ ...place, clientCaFile })).toBe(true)
  expect(files.material).toMatchObject({ ...first, clientCa: ca.certificate })
  writeFileSync(clientCaFile, 'garbage')
  await clock.advance(5000)
  rmSync(clientCaFile)
  await clock.advance(5000)
  expect(files.warnings()).toEqual([
    'the certificate from before stays: grpc.client_ca_file cannot be read: no such file',
  ])
  expect([changes.count, files.material]).toMatchObject([0, { clientCa: ca.certificate }])
  const both = make('next').certificate + ca.certificate
  writeFileSync(clientCaFile, both)
  await clock.advance(5000)
  expect([changes.count, files.warnings(), files.material]).toMatchObject([
    ...[1, [], { ...first, clientCa: both }],
  ])
  clock.jump(80 * DAY_MS)
  expect(files.warnings()[1]).toMatch(/^the last certificate of grpc.client_ca_file expires on/)
})
