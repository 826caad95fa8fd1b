/** TLS against a whole gateway. */

import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { expect, test } from 'vitest'
import { type CertificatePair, makeCertificate } from '../helpers/certificates.ts'
import { sluice } from '../helpers/cli.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { identity } from '../helpers/models.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { makeTree } from '../helpers/tree.ts'
import { until } from '../helpers/until.ts'

const PAIRS = ['first', 'second', 'third'].map((name) => makeCertificate({ name }))
// What `fetch` of this process trusts, for whoever asks the gateway here.
setDefaultCACertificates([
  ...getCACertificates('default'),
  ...PAIRS.map(({ certificate }) => certificate),
])

const CONFIG = 'model_repository: models\ntls: {cert_file: cert.pem, key_file: key.pem}\n'

const makeFolder = (pair: CertificatePair) =>
  makeTree({
    'models/m/1/model.onnx': identity('FP32'),
    'sluice.yaml': CONFIG,
    'cert.pem': pair.certificate,
    'key.pem': pair.privateKey,
  })

/** As careful programs do: nobody sees half a file. */
const replace = (file: string, text: string) => {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

const put = (folder: string, { certificate, privateKey }: CertificatePair) => {
  replace(join(folder, 'cert.pem'), certificate)
  replace(join(folder, 'key.pem'), privateKey)
}

const shownName = ({ httpPort: port }: TestGateway): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subject.CN)
      socket.destroy()
    })
    socket.once('error', reject)
  })

/** Which certificates new connections are shown, over all threads. */
const shownNames = async (gateway: TestGateway): Promise<string> => {
  const names = new Set<unknown>()
  for (let i = 0; i < 24; i++) names.add(await shownName(gateway))
  return [...names].sort().join()
}

const until24 = (gateway: TestGateway, name: string) =>
  until(async () => (await shownNames(gateway)) === name, { what: `all to show ${name}` })

const body = { features: { x: [1, 2] } }
const { stringify } = JSON
const REQUEST = `POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: ${stringify(body).length}\r\n\r\n${stringify(body)}`

test.each(['uws', 'node'])(
  'certificates change under load on %s, and nobody notices',
  async (engine) => {
    const folder = makeFolder(PAIRS[0]!)
    const config = join(folder, 'sluice.yaml')
    const gateway = await startGateway({ config, scheme: 'https', flags: ['--http', engine] })
    expect(await shownNames(gateway)).toBe('first')

    let isOver = false
    let answered = 0
    const check = (status: number) => {
      expect(status).toBe(200)
      answered++
    }
    const onNewConnections = async () => {
      while (!isOver) {
        const client = await RawClient.open(gateway.httpPort, true)
        await client.send(REQUEST)
        check((await client.answer()).status)
        client.socket.destroy()
      }
    }
    const onOne = async () => {
      const client = await RawClient.open(gateway.httpPort, true)
      while (!isOver) {
        await client.send(REQUEST)
        check((await client.answer()).status)
      }
    }
    const load = Promise.all([onNewConnections(), onNewConnections(), onOne(), onOne()])

    put(folder, PAIRS[1]!)
    gateway.reload()
    await until24(gateway, 'second')
    // Without a signal: the files are watched.
    put(folder, PAIRS[2]!)
    await until24(gateway, 'third')

    // What is not sound changes nothing, but in the warnings.
    const warned = (what: RegExp) =>
      until(async () => (await gateway.status()).warnings.some((text) => what.test(text)), {
        what: `a warning of ${what}`,
      })
    replace(join(folder, 'cert.pem'), PAIRS[0]!.certificate)
    gateway.reload()
    await warned(/from before stays: tls.key_file is not the key/)
    replace(join(folder, 'cert.pem'), '-----BEGIN CERTIFICATE-----\ngarbage\n')
    gateway.reload()
    await warned(/from before stays: tls.cert_file holds no certificate/)
    expect(await shownNames(gateway)).toBe('third')
    isOver = true
    await load
    expect(answered).toBeGreaterThan(10)

    // A replica that starts now gets what the others have.
    const pid = await gateway.killReplica(0)
    await until(async () => ![undefined, pid].includes((await gateway.replicaPids()).get(0)), {
      what: 'the next replica to serve',
    })
    expect(await shownNames(gateway)).toBe('third')
    const secret = PAIRS[2]!.privateKey.split('\n')[1]!
    expect(gateway.logs()).not.toContain(secret)
    expect(await gateway.metrics()).toMatch(/sluice_tls_certificate_expiry_seconds \d{10}/)
  },
)

test('predict asks over HTTPS, and says what keeps it from it', async () => {
  const folder = makeFolder(PAIRS[0]!)
  const gateway = await startGateway({
    config: join(folder, 'sluice.yaml'),
    scheme: 'https',
    replicas: 1,
  })
  const ask = (...flags: string[]) =>
    sluice(['predict', '-d', stringify(body), '--server', gateway.controlUrl, ...flags])
  const [good, untrusted, plain, other] = await Promise.all([
    ask('--ca-file', join(folder, 'cert.pem')),
    ask(),
    ask('--url', gateway.httpUrl.replace('https', 'http')),
    ask('--ca-file', join(folder, 'key.pem')),
  ])
  expect(good).toMatchObject({ code: 0, stderr: '' })
  expect(untrusted.stderr).toContain('its certificate is not trusted; name who signed it')
  expect(plain.stderr).toMatch(/Nobody answers at http:.*(wants https|closed the connection)/)
  expect(other.stderr).toContain('--ca-file holds no certificate')
  expect([untrusted.code, plain.code, other.code]).toEqual([4, 4, 3])
})

test.each([
  ['a key of another', PAIRS[1]!, /tls.key_file is not the key of the certificate/],
  ['garbage', { certificate: 'x', privateKey: 'y' }, /holds no certificate in PEM/],
])('sluice does not start with %s', async (_what, pair, reason) => {
  const folder = makeFolder(pair)
  if (pair === PAIRS[1]) writeFileSync(join(folder, 'cert.pem'), PAIRS[0]!.certificate)
  const gateway = await startGateway({
    config: join(folder, 'sluice.yaml'),
    isReadyAwaited: false,
  })
  expect(await gateway.ended).toEqual({ code: 3, signal: null })
  expect(gateway.stderr).toMatch(reason)
  expect(gateway.stderr).not.toMatch(/^\s+at /m)
})

test('sluice does not start where no client of gRPC could ever show a certificate', async () => {
  const folder = makeFolder(PAIRS[0]!)
  const config = join(folder, 'sluice.yaml')
  writeFileSync(join(folder, 'ca.pem'), PAIRS[0]!.privateKey)
  writeFileSync(config, `${CONFIG}grpc: {client_ca_file: ca.pem}\n`)
  const gateway = await startGateway({ config, isReadyAwaited: false })
  expect(await gateway.ended).toEqual({ code: 3, signal: null })
  expect(gateway.stderr).toContain('grpc.client_ca_file holds no certificate in PEM')
})

test('a control that finds no sound certificate takes over replicas that have one', async () => {
  const folder = makeFolder(PAIRS[0]!)
  const options = { config: join(folder, 'sluice.yaml'), scheme: 'https', replicas: 1 } as const
  const first = await startGateway(options)
  const before = await first.replicaPids()
  await first.killControl()
  replace(join(folder, 'cert.pem'), 'garbage')
  const { stateDir, httpPort, grpcPort } = first
  const next = await startGateway({ ...options, stateDir, httpPort, grpcPort })
  expect([await next.replicaPids(), await shownNames(next)]).toEqual([before, 'first'])
  expect((await next.status()).warnings).toContainEqual(
    expect.stringMatching(/from before stays: tls.cert_file holds no certificate/),
  )
  // A replica that starts now has none to listen with, until there is one.
  const pid = await next.killReplica(0)
  put(folder, PAIRS[1]!)
  await until(async () => ![undefined, pid].includes((await next.replicaPids()).get(0)), {
    what: 'the next replica to serve',
  })
  expect(await shownNames(next)).toBe('second')
})

test('a control that finds an expired certificate serves with it, and says so', async () => {
  const folder = makeFolder(makeCertificate({ name: 'old', toMs: Date.now() - 1000 }))
  const gateway = await startGateway({
    config: join(folder, 'sluice.yaml'),
    scheme: 'https',
    replicas: 1,
    isReadyAwaited: false,
  })
  await until(async () => (await gateway.replicaPids()).size === 1, { what: 'a replica to serve' })
  expect(await shownName(gateway)).toBe('old')
  expect((await gateway.status()).warnings).toContainEqual(expect.stringMatching(/has expired on/))
})
