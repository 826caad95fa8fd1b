/** `sluice predict`: one request from the command line, with what the gateway thought of it. */

import { readFileSync } from 'node:fs'
import { whyUnreadable } from '../shared/file-faults.ts'
import { type Answer, problemOf, request } from './client.ts'
import { complain, EXIT, exitCodeOfAnswer, paint, plain, print } from './output.ts'
import { type DataPlaneOptions, findDataPlane } from './plane-access.ts'

export interface PredictOptions extends DataPlaneOptions {
  readonly data: string
  readonly explain?: boolean
}

type Bytes = Uint8Array<ArrayBuffer>

/** `-` reads stdin, `@file` a file, anything else is the body itself. A text says why not. */
const readBody = (data: string): Bytes | string => {
  const file = data === '-' ? 0 : data.startsWith('@') ? data.slice(1) : null
  if (file === null) return new TextEncoder().encode(data)
  try {
    return new Uint8Array(readFileSync(file))
  } catch (thrown) {
    return `Cannot read ${file === 0 ? 'stdin' : file}: ${whyUnreadable(thrown)}`
  }
}

/** Whether JSON is a row or list of rows on its own; what is no JSON the gateway judges best. */
const isBareRow = (body: Bytes): boolean => {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
    const value: unknown = JSON.parse(text)
    const isWrapped =
      typeof value === 'object' &&
      value !== null &&
      (Object.hasOwn(value, 'features') || Object.hasOwn(value, 'instances'))
    return !isWrapped
  } catch {
    return false
  }
}

/**
 * A bare row is wrapped, so that a line of a log can be sent as it is. Its bytes stay what they
 * are: JSON that was parsed and written again has lost digits and duplicate keys.
 */
export const wrapBody = (body: Bytes): Bytes =>
  isBareRow(body)
    ? new Uint8Array(Buffer.concat([Buffer.from('{"features":'), body, Buffer.from('}')]))
    : body

const explain = (headers: Headers): void => {
  for (const [name, value] of headers) {
    if (name === 'server-timing' || name.startsWith('x-sluice-')) complain(`${name}: ${value}`)
  }
}

/** Says on stderr why there is no prediction; returns the exit code. */
const refusal = ({ status, text }: Answer): number => {
  const { code, detail, hint } = problemOf(text)
  const what = paint('red', `✖ ${code ?? status}:`, process.stderr)
  complain(`${what} ${detail ?? 'the answer says no more'}`)
  if (hint !== undefined) complain(`  ${hint}`)
  return exitCodeOfAnswer(code, status)
}

export const predict = async (
  endpoint: string | undefined,
  options: PredictOptions,
): Promise<number> => {
  const data = readBody(options.data)
  if (typeof data === 'string') {
    complain(paint('red', `✖ ${plain(data)}`, process.stderr))
    return EXIT.INVALID
  }
  const { url, headers } = await findDataPlane(options)
  const path = endpoint === undefined ? '' : `/${encodeURIComponent(endpoint)}`
  const answer = await request(`${url}/predict${path}`, {
    timeoutMs: options.timeout,
    unreachable: 'REPLICAS_UNREACHABLE',
    method: 'POST',
    headers: { ...headers, ...(options.explain ? { 'x-sluice-explain': '1' } : {}) },
    body: wrapBody(data),
  })
  if (options.explain) explain(answer.headers)
  print(answer.text)
  return answer.status === 200 ? EXIT.OK : refusal(answer)
}
