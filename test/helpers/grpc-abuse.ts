/** A gateway that is abused over gRPC, with a client beside that must see nothing of it. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { credentials as channelCredentials } from '@grpc/grpc-js'
import { expect } from 'vitest'
import type { CertificatePair } from './certificates.ts'
import { startGateway, type TestGateway } from './gateway.ts'
import { residentMibOf, untilQuiet } from './gateway-figures.ts'
import { type Beside, keepAsking } from './grpc-beside.ts'
import { identity, slowAsTold } from './models.ts'
import { makeTree } from './tree.ts'
import { until } from './until.ts'

/** What a replica may grow beyond its size at rest, at its most. */
const GROWTH_MIB_MAX = 192
export interface Abused {
  readonly gateway: TestGateway
  readonly port: number
  readonly beside: Beside
  /**
   * The client beside was answered all the time and still is, the replica is the one that began,
   * at no moment much larger than at rest, and nothing is left under way in it.
   */
  expectUnharmed(growthMibMax?: number): Promise<void>
}

/** The most resident memory that a process has had, in MiB. */
const peakMibOf = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

/**
 * One replica of one thread, so that nobody is spared by standing elsewhere. Models: `m`, rows of
 * two floats; `wide`, rows of any width; `slow`, as slow as its input says. `pair`: over TLS.
 */
export const startAbused = async (
  config = '',
  pair: CertificatePair | null = null,
): Promise<Abused> => {
  const tls = 'tls: {cert_file: cert.pem, key_file: key.pem}\n'
  if (pair !== null) setDefaultCACertificates([...getCACertificates('default'), pair.certificate])
  const folder = makeTree({
    'models/m/1/model.onnx': identity('FP32'),
    'models/wide/1/model.onnx': identity('FP32', ['N', 'M']),
    'models/slow/1/model.onnx': slowAsTold(),
    'sluice.yaml': `model_repository: models\n${config}${pair === null ? '' : tls}`,
    'cert.pem': pair?.certificate ?? '',
    'key.pem': pair?.privateKey ?? '',
  })
  const gateway = await startGateway({
    config: join(folder, 'sluice.yaml'),
    scheme: pair === null ? 'http' : 'https',
    replicas: 1,
    threads: 1,
    readyTimeoutMs: 60_000,
  })
  const port = gateway.grpcPort
  const [[index, pid] = [0, 0]] = [...(await gateway.replicaPids())]
  const credentials =
    pair === null ? undefined : channelCredentials.createSsl(Buffer.from(pair.certificate))
  const beside = keepAsking(port, credentials === undefined ? {} : { credentials })
  await until(() => beside.answered > 20, { what: 'the client beside to be answered' })
  const restMib = residentMibOf(pid)
  const expectUnharmed = async (growthMibMax = GROWTH_MIB_MAX): Promise<void> => {
    const before = beside.answered
    await until(() => beside.answered > before + 10, { what: 'the client beside to be answered' })
    expect(beside.failures).toEqual([])
    expect([...(await gateway.replicaPids())]).toEqual([[index, pid]])
    expect(peakMibOf(pid) - restMib).toBeLessThan(growthMibMax)
    await untilQuiet(gateway)
  }
  return { gateway, port, beside, expectUnharmed }
}
