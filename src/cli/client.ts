/** Asking a running gateway: where it is, and what to say when it is not there. */

import type { Environment } from '../config/environment.ts'
import { GatewayError } from '../shared/errors.ts'

export const DEFAULT_SERVER = 'http://127.0.0.1:8002'

/** `--server`, else `SLUICE_SERVER`, else the default; without a trailing slash. */
export const serverUrl = (flag: string | undefined, env: Environment): string =>
  (flag ?? env['SLUICE_SERVER'] ?? DEFAULT_SERVER).replace(/\/+$/, '')

/** GETs JSON from the control server. Throws CONTROL_UNREACHABLE with what to do next. */
export const getJson = async <T>(server: string, path: string): Promise<T> => {
  let response: Response
  try {
    response = await fetch(`${server}${path}`)
  } catch (thrown) {
    const detail = `No Sluice answers at ${server}; start one with 'sluice serve', or name it with --server`
    throw new GatewayError('CONTROL_UNREACHABLE', detail, { cause: thrown })
  }
  if (!response.ok) {
    const detail = `${server}${path} answered ${response.status}`
    throw new GatewayError('CONTROL_UNREACHABLE', detail)
  }
  return (await response.json()) as T
}
