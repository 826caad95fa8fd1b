/** What a changed config needs before it counts. */

import type { SluiceConfig } from '../config/config.ts'
import { leavesOf, toJsonSchema } from '../config/schema-text.ts'
import { sluiceSchema } from '../config/schemas/sluice.ts'

/** `bodyBytesMax` -> `body_bytes_max` */
const snakeCase = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Values by the key that sluice.yaml has for them. */
const settingsOf = (section: object, prefix = ''): [string, unknown][] =>
  Object.entries(section).flatMap(([name, value]): [string, unknown][] => {
    const key = `${prefix}${snakeCase(name)}`
    return typeof value === 'object' && value !== null
      ? settingsOf(value, `${key}.`)
      : [[key, value]]
  })

/** Keys whose values differ and that SIGHUP does not apply, in the order of the schema. */
export const restartKeys = (running: SluiceConfig, read: SluiceConfig): string[] => {
  const before = new Map(settingsOf(running))
  const after = new Map(settingsOf(read))
  return leavesOf(toJsonSchema(sluiceSchema))
    .filter(({ schema }) => schema.change !== 'reload')
    .map(({ path }) => path.join('.'))
    .filter((key) => before.get(key) !== after.get(key))
}
