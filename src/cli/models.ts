/** `sluice models`: versions, their states, and why some do not serve. */

import { environment } from '../config/environment.ts'
import type { ModelsDocument, VersionStatus } from '../control/status-document.ts'
import { formatShape, type TensorSignature } from '../shared/tensor.ts'
import { getJson, serverUrl } from './client.ts'
import { bytes, EXIT, paint, print, printJson, table } from './output.ts'

const STATE_STYLE = {
  available: 'green',
  loading: 'yellow',
  failed: 'red',
  unloaded: 'gray',
} as const

const tensors = (list: readonly TensorSignature[]): string =>
  list.map(({ name, datatype, shape }) => `${name} ${datatype}${formatShape(shape)}`).join(', ')

const batch = ({ batching }: VersionStatus): string => {
  if (batching === null) return ''
  if (batching.rowsMax === 0) return 'alone'
  return batching.mixesRequests ? `up to ${batching.rowsMax}` : 'one request'
}

const run = ({ runUs }: VersionStatus): string =>
  runUs === null ? '' : `${runUs.oneRow.toFixed(0)} / ${runUs.fullBatch.toFixed(0)} us`

const rows = ({ models }: ModelsDocument): string[][] => [
  ['MODEL', 'VERSION', 'STATE', 'ALIASES', 'BATCH', 'RUN 1 / FULL', 'MEMORY', 'INPUTS'],
  ...models.flatMap(({ name, versions }) =>
    versions.map((version) => [
      name,
      String(version.version),
      paint(STATE_STYLE[version.state], version.state),
      version.aliases.join(' '),
      batch(version),
      run(version),
      version.memoryBytes === null ? '' : bytes(version.memoryBytes),
      tensors(version.signature?.inputs ?? []),
    ]),
  ),
]

const reasons = ({ models }: ModelsDocument): string[] =>
  models.flatMap(({ name, versions }) =>
    versions.flatMap(({ version, code, reason, warnings }) => [
      ...(code === null ? [] : [paint('red', `✖ ${name} v${version}: ${code}: ${reason}`)]),
      ...warnings.map((warning) => paint('yellow', `⚠ ${name} v${version}: ${warning}`)),
    ]),
  )

/** The page that `sluice models` prints. */
export const renderModels = (document: ModelsDocument): string => {
  if (document.models.length === 0) return 'the repository holds no model'
  const notes = reasons(document)
  return [table(rows(document)), ...(notes.length === 0 ? [] : ['', ...notes])].join('\n')
}

export interface ModelsOptions {
  readonly server?: string
  readonly json?: boolean
}

export const models = async (options: ModelsOptions): Promise<number> => {
  const server = serverUrl(options.server, environment())
  const document = await getJson<ModelsDocument>(server, '/api/v1/models')
  if (options.json) printJson(document)
  else print(renderModels(document))
  return EXIT.OK
}
