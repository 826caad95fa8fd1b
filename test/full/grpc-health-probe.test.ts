/** grpc-health-probe is what Kubernetes had before it could ask by itself. */

import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { expect, test } from 'vitest'
import { makeCertificate } from '../helpers/certificates.ts'
import { startGateway } from '../helpers/gateway.ts'
import { identity } from '../helpers/models.ts'
import { runProgram } from '../helpers/programs.ts'
import { makeRepository } from '../helpers/repository.ts'
import { makeTree } from '../helpers/tree.ts'

const UNREACHABLE = 2
const RPC_FAILED = 3

const probe = async (port: number, ...flags: string[]): Promise<number | null> => {
  const { exitCode } = await runProgram('grpc-health-probe', [
    ...['-addr', `127.0.0.1:${port}`, '-connect-timeout', '2s', '-rpc-timeout', '5s'],
    ...flags,
  ])
  return exitCode
}

test('the server and its service are healthy, what is not there is not, nor who is gone', async () => {
  const repository = makeRepository({ 'm/1/model.onnx': identity('FP32') })
  const gateway = await startGateway({ repository })
  const { grpcPort } = gateway
  expect(await probe(grpcPort)).toBe(0)
  expect(await probe(grpcPort, '-service', 'inference.GRPCInferenceService')).toBe(0)
  expect(await probe(grpcPort, '-gzip')).toBe(0)
  expect(await probe(grpcPort, '-service', 'absent')).toBe(RPC_FAILED)
  expect(await probe(grpcPort, '-tls', '-tls-no-verify')).toBe(UNREACHABLE)
  await gateway.stop()
  expect(await probe(grpcPort)).toBe(UNREACHABLE)
})

test('over TLS', async () => {
  const { certificate, privateKey } = makeCertificate()
  setDefaultCACertificates([...getCACertificates('default'), certificate])
  const folder = makeTree({
    'models/m/1/model.onnx': identity('FP32'),
    'cert.pem': certificate,
    'key.pem': privateKey,
    'sluice.yaml': 'model_repository: models\ntls: {cert_file: cert.pem, key_file: key.pem}\n',
  })
  const config = join(folder, 'sluice.yaml')
  const { grpcPort } = await startGateway({ config, scheme: 'https' })
  expect(await probe(grpcPort, '-tls', '-tls-ca-cert', join(folder, 'cert.pem'))).toBe(0)
  expect(await probe(grpcPort, '-tls')).toBe(UNREACHABLE)
  expect(await probe(grpcPort)).not.toBe(0)
})
