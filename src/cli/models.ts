/** `sluice models`: versions, their states, and why some do not serve. */

import type { ModelsDocument, VersionStatus } from '../control/api/status-document.ts'
import { formatShape, type TensorSignature } from '../shared/tensor.ts'
import { getModels, getStatus, type ServerOptions } from './client.ts'
import { bytes, EXIT, paint, plain, print, printJson, table } from './output.ts'

const STATE_STYLE: Readonly<Record<string, 'green' | 'yellow' | 'red'>> = {
  available: 'green',
  loading: 'yellow',
  draining: 'yellow',
  failed: 'red',
  poison: 'red',
}

const tensors = (list: readonly TensorSignature[]): string =>
  list
    .map(({ name, datatype, shape }) => `${plain(name)} ${datatype}${formatShape(shape)}`)
    .join(', ')

const batch = ({ batching }: VersionStatus): string => {
  if (batching === null) return ''
  if (batching.rowsMax === 0) return 'alone'
  return batching.mixesRequests ? `up to ${batching.rowsMax}` : 'one request'
}

const place = ({ placement, session }: VersionStatus): string => {
  if (!placement) return '' // an older control does not say
  if (placement.kind === 'inline') return 'inline'
  const on = session?.providers.includes('cuda') ? ', GPU' : ''
  return `pooled x ${placement.instances}${on}`
}

/** `cuda runs 12 of 14 operators, the CPU the others; 96 MB of its memory` */
const gpuNote = ({ gpu }: VersionStatus): string | null => {
  if (gpu?.use !== 'used') return null
  const { operators, memoryBytes, isMemoryOfAll } = gpu
  const took = isMemoryOfAll ? 'while it was proved, all programs took' : 'a session takes'
  const parts = [
    ...(operators === null
      ? []
      : [`the GPU runs ${operators.gpu} of ${operators.gpu + operators.cpu} operators`]),
    ...(memoryBytes === null ? [] : [`${took} ${bytes(memoryBytes)} of its memory`]),
  ]
  return parts.length === 0 ? null : parts.join('; ')
}

const run = ({ runUs }: VersionStatus): string =>
  runUs === null ? '' : `${runUs.oneRow.toFixed(0)} / ${runUs.fullBatch.toFixed(0)} us`

const rows = ({ models }: ModelsDocument): string[][] => [
  ['MODEL', 'VERSION', 'STATE', 'ALIASES', 'BATCH', 'PLACE', 'RUN 1 / FULL', 'MEMORY', 'INPUTS'],
  ...models.flatMap(({ name, versions }) =>
    versions.map((version) => [
      name,
      String(version.version),
      paint(STATE_STYLE[version.state] ?? 'gray', version.state),
      version.aliases.join(' '),
      batch(version),
      place(version),
      run(version),
      version.memoryBytes === null ? '' : bytes(version.memoryBytes),
      tensors(version.signature?.inputs ?? []),
    ]),
  ),
]

const reasons = ({ models }: ModelsDocument): string[] =>
  models.flatMap(({ name, versions }) =>
    versions.flatMap((status) => {
      const { version, code, reason, placement, warnings } = status
      const notes = [placement?.reason, gpuNote(status)].filter(
        (note) => note != null && note !== '',
      )
      return [
        ...notes.map((note) => paint('gray', plain(`· ${name} v${version}: ${note}`))),
        ...(code === null
          ? []
          : [paint('red', plain(`✖ ${name} v${version}: ${code}: ${reason}`))]),
        ...warnings.map((warning) => paint('yellow', plain(`⚠ ${name} v${version}: ${warning}`))),
      ]
    }),
  )

/**
 * The page that `sluice models` prints. `warnings` are the gateway's: where there is no model, they
 * say why.
 */
export const renderModels = (document: ModelsDocument, warnings: readonly string[]): string => {
  if (document.models.length === 0) {
    const why = warnings.map((warning) => paint('yellow', plain(`⚠ ${warning}`)))
    return ['no models', ...(why.length > 0 ? why : ['  the repository is empty'])].join('\n')
  }
  const notes = reasons(document)
  return [table(rows(document)), ...(notes.length === 0 ? [] : ['', ...notes])].join('\n')
}

export interface ModelsOptions extends ServerOptions {
  readonly json?: boolean
}

export const models = async (options: ModelsOptions): Promise<number> => {
  const document = await getModels(options)
  if (options.json) {
    printJson(document)
    return EXIT.OK
  }
  const isEmpty = document.models.length === 0
  const status = isEmpty ? await getStatus(options) : null
  print(renderModels(document, status?.warnings ?? []))
  return EXIT.OK
}
