/** A model in a folder of its own, of which new versions are published while it serves. */

import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mlp } from '../../test/helpers/models.ts'
import { atExit, until } from '../measure/processes.ts'
import { type SluiceServer, startSluice } from '../servers/sluice.ts'
import { writeFiles } from '../servers/tree.ts'

const NAME = 'mlp'
const WIDTHS = [30, 64, 32, 1]
const SWAP_MS_MAX = 30_000
/** Versions on disk; those before are deleted. */
const KEPT = 2

export const SWAPPED_PATH = `/v2/models/${NAME}/infer`

export interface SwappedModel {
  readonly server: SluiceServer
  /** Publishes another version and waits until it answers. Resolves with the milliseconds. */
  swap(): Promise<number>
  stop(): Promise<void>
}

/** Control's own number of the version that answers. */
const servedVersion = async (port: number, body: string): Promise<string> => {
  const headers = { 'content-type': 'application/json' }
  const url = `http://127.0.0.1:${port}${SWAPPED_PATH}`
  const response = await fetch(url, { method: 'POST', headers, body })
  const answer = (await response.json()) as { model_version?: string }
  return answer.model_version ?? ''
}

/** `body`: a request of the model, to ask which version answers. */
export const startSwapped = async (body: string): Promise<SwappedModel> => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-swaps-'))
  atExit(() => rmSync(folder, { recursive: true, force: true }))
  const repository = join(folder, 'models')
  const fresh = join(folder, 'fresh')
  let version = 1
  writeFiles(join(repository, NAME), { '1/model.onnx': mlp(WIDTHS, version) })
  const server = await startSluice({ repository, endpoint: NAME, stateDir: null })
  return {
    server,
    swap: async () => {
      version++
      // Made elsewhere and renamed, as whoever publishes does: no half of it is ever seen.
      writeFiles(fresh, { 'model.onnx': mlp(WIDTHS, version) })
      renameSync(fresh, join(repository, NAME, String(version)))
      rmSync(join(repository, NAME, String(version - KEPT)), { recursive: true, force: true })
      const startMs = performance.now()
      server.reload()
      await until(`version ${version}`, SWAP_MS_MAX, async () => {
        return (await servedVersion(server.port, body)) === String(version)
      })
      return performance.now() - startMs
    },
    stop: async () => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
