/** What a changed config needs before it counts. */

import { isDeepStrictEqual } from 'node:util'
import type { SluiceConfig } from '../config/config.ts'
import { leavesOf, toJsonSchema } from '../config/schema-text.ts'
import { sluiceSchema } from '../config/schemas/sluice.ts'

/** `body_bytes_max` -> `bodyBytesMax` */
const camelCase = (key: string): string =>
  key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** The value that the key of sluice.yaml has in a config; undefined where it has none. */
const settingAt = (config: SluiceConfig, path: readonly string[]): unknown =>
  path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[camelCase(key)], config)

const HMAC_KEY = 'records.hmac_key_file'

/** Of one that names a file: what is in it. */
const contentOf = (path: readonly string[]): readonly string[] =>
  path.join('.') === HMAC_KEY ? ['records', 'hmac_key_id'] : path

/** Whether what a key says, or what is in the file that it names, is another. */
const isOther = (running: SluiceConfig, read: SluiceConfig, path: readonly string[]): boolean =>
  [path, contentOf(path)].some(
    (at) => !isDeepStrictEqual(settingAt(running, at), settingAt(read, at)),
  )

const SIZE = 'record_bytes_max'

/** Replicas have room for the largest record of any endpoint at the start, and for none larger. */
const largerRecords = ({ records: { recordBytesMax } }: SluiceConfig, read: SluiceConfig) => {
  const { base, byEndpoint } = read.records.policies
  return [
    ...(base.recordBytesMax > recordBytesMax ? [`records.${SIZE}`] : []),
    ...Object.entries(byEndpoint)
      .filter(([, own]) => own.recordBytesMax > Math.max(recordBytesMax, base.recordBytesMax))
      .map(([name]) => `records.endpoints.${name}.${SIZE}`),
  ]
}

/**
 * Keys whose values differ and that SIGHUP does not apply, in the order of the schema; then those
 * that it applies in part.
 */
export const restartKeys = (running: SluiceConfig, read: SluiceConfig): string[] => [
  ...leavesOf(toJsonSchema(sluiceSchema))
    .filter(({ schema }) => schema.change !== 'reload')
    .filter(({ path }) => isOther(running, read, path))
    .map(({ path }) => path.join('.')),
  ...largerRecords(running, read),
]

/** What is to be told of such a key. */
export const restartNote = (key: string, { records }: SluiceConfig): string => {
  const told = `${key} has changed, which needs a restart`
  if (key.endsWith(SIZE)) return `${told} beyond ${records.recordBytesMax}`
  const isKeyless = key === HMAC_KEY && records.hmacKeyId === null
  return isKeyless ? `${told}: until then what is to be kept as \`hmac\` is not kept` : told
}
