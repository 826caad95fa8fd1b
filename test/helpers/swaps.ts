/** A gateway whose only version is replaced again and again while clients ask. */

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startClosedLoop } from './closed-loop.ts'
import { startGateway, type TestGateway } from './gateway.ts'
import { mlp } from './models.ts'
import { makeRepository } from './repository.ts'
import { makeTempDir } from './temp-dir.ts'
import { until } from './until.ts'

const WIDTHS = [8, 256, 1]
const DATA = [1, 2, 3, 4, 5, 6, 7, 8]
const BODY = JSON.stringify({
  inputs: [{ name: 'x', shape: [1, 8], datatype: 'FP32', data: DATA }],
})
const CLIENTS = 16
/** On a machine that does much else, each swap has proving runs and loads to wait for. */
const SWAP_MS_MAX = 60_000

/** With weights of its own, so that each is proved and loaded. */
const modelOf = (version: number) => mlp(WIDTHS, version)

export interface SwapWorld {
  readonly gateway: TestGateway
  readonly load: ReturnType<typeof startClosedLoop>
  /** Publishes the next version, takes the last one away, and resolves when the new one answers. */
  swap(): Promise<void>
}

/** `settings`: lines of sluice.yaml. */
export const startSwaps = async (settings: readonly string[] = []): Promise<SwapWorld> => {
  const repository = makeRepository({ 'm/1/model.onnx': modelOf(1) })
  const config = join(makeTempDir('config'), 'sluice.yaml')
  writeFileSync(config, [`model_repository: ${repository}`, ...settings, ''].join('\n'))
  const gateway = await startGateway({ config })
  const target = { port: gateway.httpPort, path: '/v2/models/m/infer', body: BODY }
  const load = startClosedLoop(target, CLIENTS)
  await load.answered(CLIENTS)
  let version = 1
  const swap = async (): Promise<void> => {
    const from = version++
    const next = join(repository, 'm', String(version))
    mkdirSync(join(repository, 'next'), { recursive: true })
    writeFileSync(join(repository, 'next', 'model.onnx'), modelOf(version))
    renameSync(join(repository, 'next'), next)
    gateway.reload()
    const hasSwapped = async () => (await answering(gateway)) === version
    await until(hasSwapped, { what: `version ${version}`, timeoutMs: SWAP_MS_MAX, everyMs: 50 })
    rmSync(join(repository, 'm', String(from)), { recursive: true })
  }
  return { gateway, load, swap }
}

/** The version that answers in all replicas. */
const answering = async (gateway: TestGateway): Promise<number> => {
  const [{ endpoints }, { models }] = await Promise.all([gateway.status(), gateway.models()])
  const version = endpoints[0]?.variants[0]?.version ?? 0
  const found = models[0]?.versions.find((each) => each.version === version)
  return found?.state === 'available' ? version : 0
}
