/** tritonclient over TLS: Triton's L0_secure_grpc. */

import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { expect, test } from 'vitest'
import { makeCertificate } from '../helpers/certificates.ts'
import { announce, runPython } from '../helpers/client-program.ts'
import { startGateway } from '../helpers/gateway.ts'
import { identity } from '../helpers/models.ts'
import { makeTree } from '../helpers/tree.ts'

announce({ client: 'tritonclient', isGrpc: true })

const SERVER = makeCertificate({ name: 'server' })
const CLIENT = makeCertificate({ name: 'client' })
const STRANGER = makeCertificate({ name: 'stranger' })
setDefaultCACertificates([...getCACertificates('default'), SERVER.certificate])

/** A key that belongs to no certificate. */
const otherKey = (): string => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
}

const folderWith = (grpc: string): string =>
  makeTree({
    'models/m/1/model.onnx': identity('FP32'),
    'sluice.yaml': `model_repository: models\ntls: {cert_file: server.pem, key_file: server.key}\n${grpc}`,
    'server.pem': SERVER.certificate,
    'server.key': SERVER.privateKey,
    'client.pem': CLIENT.certificate,
    'client.key': CLIENT.privateKey,
    'stranger.pem': STRANGER.certificate,
    'stranger.key': STRANGER.privateKey,
    'other.key': otherKey(),
  })

/** Says for each set of options how a request ended: by sync, async and streams. */
const PROGRAM = `
import asyncio
import json
import os
import queue
import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio

os.chdir("FOLDER")
OPTIONS = json.loads('''WISHES''')

def inputs():
    made = triton.InferInput("x", [1, 2], "FP32")
    made.set_data_from_numpy(np.ones((1, 2), np.float32))
    return [made]

def unary(options):
    with triton.InferenceServerClient("ADDRESS", **options) as client:
        client.infer("m", inputs(), client_timeout=5)

def aio(options):
    async def ask():
        async with triton_aio.InferenceServerClient("ADDRESS", **options) as client:
            await client.infer("m", inputs(), client_timeout=5)
    asyncio.run(ask())

def stream(options):
    answers = queue.Queue()
    with triton.InferenceServerClient("ADDRESS", **options) as client:
        client.start_stream(lambda result, error: answers.put(error), stream_timeout=5)
        client.async_stream_infer("m", inputs())
        error = answers.get(timeout=20)
        if error is not None:
            raise error

def end(ask, options):
    try:
        ask(options)
        return "OK"
    except triton.InferenceServerException:
        return "refused"

print(json.dumps([[end(ask, options) for ask in (unary, aio, stream)] for options in OPTIONS]))
`

const ssl = { ssl: true, root_certificates: 'server.pem' }
const own = { ...ssl, certificate_chain: 'client.pem', private_key: 'client.key' }
const strange = { ...ssl, certificate_chain: 'stranger.pem', private_key: 'stranger.key' }
const unfit = { ...ssl, certificate_chain: 'client.pem', private_key: 'other.key' }
const untrusting = { ssl: true, root_certificates: 'client.pem' }

const endings = async (grpc: string, options: readonly object[]): Promise<unknown> => {
  const folder = folderWith(grpc)
  const config = join(folder, 'sluice.yaml')
  const gateway = await startGateway({ config, scheme: 'https', replicas: 1, threads: 1 })
  const program = PROGRAM.replace('FOLDER', folder)
    .replace('WISHES', JSON.stringify(options))
    .replaceAll('ADDRESS', `localhost:${gateway.grpcPort}`)
  return JSON.parse(runPython('tritonclient', program))
}

const SERVED = ['OK', 'OK', 'OK']
const REFUSED = ['refused', 'refused', 'refused']

test('the server proves itself, and speaks to nobody in the clear', async () => {
  const ends = await endings('', [ssl, own, {}, untrusting])
  expect(ends).toEqual([SERVED, SERVED, REFUSED, REFUSED])
})

test('with grpc.client_ca_file clients prove themselves too', async () => {
  const ends = await endings('grpc: {client_ca_file: client.pem}\n', [own, ssl, strange, unfit, {}])
  expect(ends).toEqual([SERVED, REFUSED, REFUSED, REFUSED, REFUSED])
})
