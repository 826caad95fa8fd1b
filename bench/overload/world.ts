/** The gateways that are overloaded, and what they are asked. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { slowModel } from '../../test/helpers/slow-models.ts'
import { JSON_HEADERS, MLP_FILE, type RequestForm } from '../fixtures.ts'
import { atExit, REPOSITORY_ROOT } from '../measure/processes.ts'
import { type SluiceServer, startSluice } from '../servers/sluice.ts'
import { copyFile, writeFiles } from '../servers/tree.ts'

export const DEADLINE_MS = 50
/** Of the model: cheap enough that a thousand are served in a second, dear beside a refusal. */
const US_PER_ROW = 1000
/** Connections of the capped gateway. */
export const CAPPED_CONNECTIONS = 64

/** The same model pinned to a compute thread, where it belongs, and to the data thread. */
export const PLACEMENTS = ['pooled', 'inline'] as const

const LEVELS = `dynamic_batching:
  priority_levels: 2
  default_priority_level: 2
`

/** More than any load here can fill. */
const UNBOUNDED = `limits:
  queue_rows_max: 10000000
  queue_work_ms_max: 600000
`
const CAPPED = `limits:
  connections_max: ${CAPPED_CONNECTIONS}
`

export interface World {
  /** For the plain loop. */
  readonly modelFile: string
  /** With their bounds as they are by default. */
  readonly pooled: SluiceServer
  readonly inline: SluiceServer
  /** As `pooled` without any: it sheds nothing. */
  readonly control: SluiceServer
  /** Few connections at once. */
  readonly capped: SluiceServer
  stop(): Promise<void>
}

export const startWorld = async (): Promise<World> => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-overload-'))
  atExit(() => rmSync(folder, { recursive: true, force: true }))
  const model = slowModel({ usPerRow: US_PER_ROW })
  writeFiles(folder, {
    'slow/pooled/1/model.onnx': model,
    'slow/pooled/model.yaml': 'placement: pooled\n',
    'slow/inline/1/model.onnx': model,
    'slow/inline/model.yaml': 'placement: inline\n',
    'slow/levels/1/model.onnx': model,
    'slow/levels/model.yaml': `placement: pooled\n${LEVELS}`,
    'unbounded.yaml': UNBOUNDED,
    'capped.yaml': CAPPED,
  })
  copyFile(join(REPOSITORY_ROOT, MLP_FILE), join(folder, 'tiny/mlp/1/model.onnx'))
  const start = (
    isSplit: boolean,
    repository: string,
    endpoint: string,
    config?: string,
  ): Promise<SluiceServer> =>
    startSluice({
      ...{ isSplit, repository: join(folder, repository), endpoint, stateDir: null },
      ...(config === undefined ? {} : { config: join(folder, config) }),
    })
  const started: SluiceServer[] = []
  const stop = async () => {
    await Promise.all(started.map((server) => server.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    started.push(await start(true, 'slow', 'pooled'))
    started.push(await start(false, 'slow', 'inline'))
    started.push(await start(true, 'slow', 'pooled', 'unbounded.yaml'))
    started.push(await start(false, 'tiny', 'mlp', 'capped.yaml'))
  } catch (error) {
    await stop()
    throw error
  }
  const [pooled, inline, control, capped] = started as [
    SluiceServer,
    SluiceServer,
    SluiceServer,
    SluiceServer,
  ]
  const modelFile = join(folder, 'slow/pooled/1/model.onnx')
  return { modelFile, pooled, inline, control, capped, stop }
}

export interface Asked {
  readonly deadlineMs?: number
  readonly priority?: number
}

/** One row for a model of the world, over the Open Inference Protocol. */
export const formOf = (model: string, { deadlineMs, priority }: Asked = {}): RequestForm => ({
  path: `/v2/models/${model}/infer`,
  body: JSON.stringify({
    ...(priority === undefined ? {} : { parameters: { priority } }),
    inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }],
  }),
  headers:
    deadlineMs === undefined
      ? JSON_HEADERS
      : [...JSON_HEADERS, `x-sluice-timeout-ms: ${deadlineMs}`],
  rows: 1,
})
