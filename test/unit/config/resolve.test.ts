import { expect, test } from 'vitest'
import { resolveConfig } from '../../../src/config/resolve.ts'
import { sluiceSchema } from '../../../src/config/schemas/sluice.ts'

const BASES = {
  ...{ repositoryBase: '/r', stateBase: '/s', accessBase: '/a', tlsBase: '/t', clientCaBase: '/c' },
  ...{ keys: [], tracing: null, memoryBytes: 0 },
  ...{ recordsBase: '/d', hmacKeyBase: '/h', hmacKeyId: null },
}

const server = (cores: number, written: object = {}) => {
  const yaml = sluiceSchema.parse({ model_repository: 'm', server: written })
  return resolveConfig(yaml, { ...BASES, cores }).server
}

// Design §3: R = 1 on up to 4 cores, else 2; N = max(1, floor((cores - 1) / R)).
test.each([
  [1, 1, 1],
  [2, 1, 1],
  [4, 1, 3],
  [5, 2, 2],
  [6, 2, 2],
  [8, 2, 3],
  [64, 2, 31],
])('resolveConfig() on %i cores starts %i replicas of %i threads', (cores, replicas, threads) => {
  expect(server(cores)).toMatchObject({ replicas, threads })
})

test('resolveConfig() divides the cores by the replicas that are asked for', () => {
  expect(server(8, { replicas: 4 })).toMatchObject({ replicas: 4, threads: 1 })
  expect(server(2, { threads: 7 })).toMatchObject({ replicas: 1, threads: 7 })
})

test('resolveConfig() leaves absolute paths as they are', () => {
  const yaml = sluiceSchema.parse({ model_repository: '/models', state_dir: 'state' })
  const config = resolveConfig(yaml, { ...BASES, cores: 1 })
  expect(config).toMatchObject({ modelRepository: '/models', stateDir: '/s/state' })
})

test('resolveConfig() starts relative paths of files where their keys were read', () => {
  const yaml = sluiceSchema.parse({
    ...{ model_repository: 'm', tls: { cert_file: 'c.pem', key_file: 'k.pem' } },
    grpc: { client_ca_file: 'ca.pem' },
  })
  const { tls, grpc } = resolveConfig(yaml, { ...BASES, cores: 1 })
  expect([tls.certFile, grpc.clientCaFile]).toEqual(['/t/c.pem', '/c/ca.pem'])
})

test.each([
  [{}, 1000],
  [{ session_bytes_max: 'auto' }, 1000],
  [{ session_bytes_max: 2_000_000 }, 2_000_000],
])('resolveConfig() gives sessions of a version what %j says', (placement, sessionBytesMax) => {
  const yaml = sluiceSchema.parse({ model_repository: 'm', placement })
  const around = { ...BASES, cores: 1, memoryBytes: 8007 }
  expect(resolveConfig(yaml, around).placement).toEqual({ sessionBytesMax })
})
