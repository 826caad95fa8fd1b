import { Client, credentials, status } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { makeCertificate } from '../helpers/certificates.ts'
import { atEnd } from '../helpers/clean-up.ts'
import { ANSWER_HEADS, ANSWER_IDS, inferRequest, inferResponse } from '../helpers/grpc-calls.ts'
import { call, GRPC_LIMITS, type GrpcRig, startGrpcEngine } from '../helpers/grpc-engine.ts'
import { until } from '../helpers/until.ts'

const PAIR = makeCertificate({ name: 'localhost' })
const MATERIAL = { ...PAIR, minVersion: 'TLSv1.2' as const, clientCa: null }

const secureClient = (port: number, own: { certificate: string; privateKey: string } | null) => {
  const [root, key, chain] = [PAIR.certificate, own?.privateKey, own?.certificate].map((pem) =>
    pem === undefined ? null : Buffer.from(pem),
  )
  const opened = new Client(`127.0.0.1:${port}`, credentials.createSsl(root, key, chain), {
    'grpc.ssl_target_name_override': 'localhost',
  })
  atEnd(() => opened.close())
  return opened
}

/** The status of a call that is answered. */
const asked = async (rig: GrpcRig, client: Client): Promise<number> => {
  const { outcome } = call(client, 'ModelInfer', inferRequest(), {}, 5000)
  const answering = until(() => rig.seen.length > 0, { what: 'the request' }).then(() =>
    rig.seen.pop()!.exchange.release(ANSWER_HEADS, inferResponse(), ANSWER_IDS, ''),
  )
  const { status: end } = await outcome
  if (end.code === status.OK) await answering
  else answering.catch(() => {})
  return end.code
}

test('TLS: a new certificate serves new connections, and plain clients are shaken off', async () => {
  const rig = await startGrpcEngine({ isTls: true })
  rig.engine.secure(MATERIAL)
  const port = await rig.engine.listen('127.0.0.1', 0)
  expect(await asked(rig, secureClient(port, null))).toBe(status.OK)
  rig.engine.secure({ ...MATERIAL, ...makeCertificate({ name: 'other' }) })
  expect(await asked(rig, secureClient(port, null))).toBe(status.UNAVAILABLE)
  expect(() => rig.engine.secure({ ...MATERIAL, certificate: 'none' })).toThrow(/certificate/)
  expect(
    await asked({ ...rig, port }, new Client(`127.0.0.1:${port}`, credentials.createInsecure())),
  ).toBe(status.UNAVAILABLE)
})

test('mTLS: who shows no certificate of the authority is not let in', async () => {
  const limits = { ...GRPC_LIMITS, isMutualTls: true }
  const rig = await startGrpcEngine({ isTls: true, limits })
  const known = makeCertificate({ name: 'known' })
  rig.engine.secure({ ...MATERIAL, clientCa: known.certificate })
  const port = await rig.engine.listen('127.0.0.1', 0)
  expect(await asked(rig, secureClient(port, known))).toBe(status.OK)
  expect(await asked(rig, secureClient(port, null))).toBe(status.UNAVAILABLE)
  expect(await asked(rig, secureClient(port, makeCertificate({ name: 'known' })))).toBe(
    status.UNAVAILABLE,
  )
  expect(() => rig.engine.secure(MATERIAL)).toThrow(/authority/)
})
