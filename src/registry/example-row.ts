/** Whether the example row of a profile is a row that the version takes. Pure. */

import type { ExampleRow, Manifest, ManifestFeature } from '../shared/manifest.ts'
import { nearest } from '../shared/nearest.ts'

/** Every plan holds the row. */
const ENCODED_BYTES_MAX = 1024 * 1024

const valueFault = (
  { name, type, optional }: ManifestFeature,
  value: ExampleRow[string] | undefined,
): string | null => {
  if (value === undefined || value === null) {
    return optional ? null : `lacks '${name}', which is not optional`
  }
  const isText = typeof value === 'string'
  if (isText !== (type === 'category')) return `has '${name}' as ${typeof value}, not ${type}`
  return null
}

/** The first contradiction between an example row and the features; null when there is none. */
export const exampleRowFault = (row: ExampleRow, { features }: Manifest): string | null => {
  const names = new Set(features.map(({ name }) => name))
  const unknown = Object.keys(row).find((name) => !names.has(name))
  if (unknown !== undefined) {
    const near = nearest(unknown, [...names])
    const hint = near === null ? '' : `; did you mean '${near}'?`
    return `names '${unknown}', which is no feature of the manifest${hint}`
  }
  const faults = features.map((each) =>
    valueFault(each, Object.hasOwn(row, each.name) ? row[each.name] : undefined),
  )
  const fault = faults.find((each) => each !== null)
  if (fault !== undefined) return fault
  const bytes = Buffer.byteLength(JSON.stringify(row))
  return bytes > ENCODED_BYTES_MAX ? `has ${bytes} bytes, more than ${ENCODED_BYTES_MAX}` : null
}
