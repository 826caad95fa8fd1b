/** How verbs reach the data plane: where it is, with which key, trusting whom. */

import { readFileSync } from 'node:fs'
import { GatewayError } from '../shared/errors.ts'
import { whyUnreadable } from '../shared/file-faults.ts'
import { getStatus, type ServerOptions, trustOnly } from './client.ts'
import { dataPlaneUrl } from './url.ts'

export interface DataPlaneOptions extends ServerOptions {
  /** Without a slash at its end; else control says where it is. */
  readonly url?: string
  /** Holds the key; no key belongs in the arguments of a process. */
  readonly keyFile?: string
  /** Certificates in PEM, one of which must lead to that of the server. */
  readonly caFile?: string
}

export interface DataPlane {
  readonly url: string
  /** What every request has. */
  readonly headers: Readonly<Record<string, string>>
}

/** @throws GatewayError FILE_INVALID */
const readText = (file: string): string => {
  try {
    return readFileSync(file, 'latin1')
  } catch (thrown) {
    throw new GatewayError('FILE_INVALID', `Cannot read ${file}: ${whyUnreadable(thrown)}`)
  }
}

/**
 * From now on only the certificates of `caFile`, if there is one, are trusted.
 *
 * @throws GatewayError FILE_INVALID: a file cannot be read, or is none; what `getStatus` throws
 */
export const findDataPlane = async (options: DataPlaneOptions): Promise<DataPlane> => {
  const { keyFile, caFile } = options
  if (caFile !== undefined) trustOnly(readText(caFile))
  const key = keyFile === undefined ? '' : readText(keyFile).trim()
  const url = options.url ?? dataPlaneUrl(await getStatus(options))
  const authorization = key === '' ? {} : { authorization: `Bearer ${key}` }
  return { url, headers: { 'content-type': 'application/json', ...authorization } }
}
