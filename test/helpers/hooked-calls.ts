/** File calls before which a test has its say. */

import type { FileCalls } from '../../src/records/spool/file-calls.ts'

/**
 * Has `before` called before each of these calls of `files`, with the path or the descriptor that
 * it is about; what it throws comes of the call. `after` is called with the result.
 */
export const hookCalls = <Call extends keyof FileCalls>(
  files: FileCalls,
  names: readonly Call[],
  before: (call: Call, about: unknown) => void,
  after: (call: Call, about: unknown, result: unknown) => void = () => {},
): void => {
  for (const call of names) {
    const whole: (...args: never[]) => unknown = files[call]
    const hooked = (...args: never[]): unknown => {
      const [about] = args
      before(call, about)
      const result = whole.apply(files, args)
      after(call, about, result)
      return result
    }
    Object.assign(files, { [call]: hooked })
  }
}
