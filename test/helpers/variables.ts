/** Variables of this process, for packages of others that read them themselves. */

import { atEnd } from './clean-up.ts'

/** Sets them until the test has ended. */
export const setVariables = (variables: Readonly<Record<string, string>>): void => {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name]
    process.env[name] = value
    atEnd(() => {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    })
  }
}
