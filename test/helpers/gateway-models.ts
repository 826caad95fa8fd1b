/** What tests ask of gateways that serve many models, some of which never come to serve. */

import { expect } from 'vitest'
import type { VersionStatus } from '../../src/control/api/status-document.ts'
import type { TestGateway } from './gateway.ts'
import { until } from './until.ts'

/**
 * All versions by `model/version`, when none is being loaded any more. A gateway with models that
 * have no sound version serves, but does not call itself ready.
 */
export const judgedVersions = async (
  gateway: TestGateway,
  count: number,
): Promise<Map<string, VersionStatus>> => {
  const all = await until(
    async () => {
      const { models } = await gateway.models()
      const found = models.flatMap(({ name, versions }) =>
        versions.map((each) => [`${name}/${each.version}`, each] as const),
      )
      const isComplete = found.length === count && found.every(([, v]) => v.state !== 'loading')
      return isComplete ? found : null
    },
    { what: 'every version to be judged', timeoutMs: 50_000, everyMs: 50 },
  )
  return new Map(all)
}

/** The first version of a model, once it is as wanted. */
export const versionWhen = (
  gateway: TestGateway,
  model: string,
  what: string,
  isWanted: (version: VersionStatus) => boolean,
): Promise<VersionStatus> =>
  until(
    async () => {
      const version = await gateway.version(model)
      return version !== undefined && isWanted(version) ? version : null
    },
    { what, timeoutMs: 40_000, everyMs: 50 },
  )

/** Sends the one input `x` of a model over the Open Inference Protocol. */
export const inferX = (
  gateway: TestGateway,
  model: string,
  shape: number[],
  data: unknown[],
  datatype = 'FP32',
): Promise<Response> =>
  gateway.post(`/v2/models/${model}/infer`, { inputs: [{ name: 'x', shape, datatype, data }] })

/** The first output of an answer of 200. */
export const outputOf = async (
  response: Response,
): Promise<{ shape: number[]; data: unknown[] }> => {
  const body = (await response.json()) as { outputs: { shape: number[]; data: unknown[] }[] }
  expect(response.status, JSON.stringify(body)).toBe(200)
  return body.outputs[0]!
}
