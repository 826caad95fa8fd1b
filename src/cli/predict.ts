/** `sluice predict`: one request from the command line, with what the gateway thought of it. */

import { readFileSync } from 'node:fs'
import { environment } from '../config/environment.ts'
import type { StatusDocument } from '../control/status-document.ts'
import { GatewayError } from '../shared/errors.ts'
import { getJson, serverUrl } from './client.ts'
import { complain, EXIT, paint, print } from './output.ts'

export interface PredictOptions {
  readonly data: string
  readonly server?: string
  readonly explain?: boolean
}

/** `-` reads stdin, `@file` a file, anything else is the body itself. */
const readBody = (data: string): string => {
  try {
    if (data === '-') return readFileSync(0, 'utf8')
    return data.startsWith('@') ? readFileSync(data.slice(1), 'utf8') : data
  } catch (thrown) {
    throw new GatewayError('REQUEST_MALFORMED', `Cannot read ${data}`, { cause: thrown })
  }
}

/** A bare row or list is wrapped, so that a line of a log can be sent as it is. */
export const wrapBody = (text: string): string => {
  try {
    const value: unknown = JSON.parse(text)
    const isWrapped =
      typeof value === 'object' &&
      value !== null &&
      (Object.hasOwn(value, 'features') || Object.hasOwn(value, 'instances'))
    return isWrapped ? text : JSON.stringify({ features: value })
  } catch {
    return text // the gateway says best what is wrong with it
  }
}

const explain = (headers: Headers): void => {
  for (const [name, value] of headers) {
    if (name === 'server-timing' || name.startsWith('x-sluice-')) complain(`${name}: ${value}`)
  }
}

const host = (name: string): string => (name === '0.0.0.0' || name === '::' ? '127.0.0.1' : name)

export const predict = async (
  endpoint: string | undefined,
  options: PredictOptions,
): Promise<number> => {
  const server = serverUrl(options.server, environment())
  const { httpHost, httpPort } = await getJson<StatusDocument>(server, '/api/v1/status')
  const path = endpoint === undefined ? '' : `/${encodeURIComponent(endpoint)}`
  const response = await fetch(`http://${host(httpHost)}:${httpPort}/predict${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(options.explain ? { 'x-sluice-explain': '1' } : {}),
    },
    body: wrapBody(readBody(options.data)),
  })
  const text = await response.text()
  if (options.explain) explain(response.headers)
  print(text)
  if (response.ok) return EXIT.OK
  const { code, hint } = JSON.parse(text) as { code?: string; hint?: string }
  complain(paint('red', `✖ ${code ?? response.status}`, process.stderr))
  if (hint !== undefined) complain(`  ${hint}`)
  return EXIT.FAILURE
}
