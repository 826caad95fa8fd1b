/** Addresses as people write and read them. */

import { isIPv6 } from 'node:net'
import { InvalidArgumentError } from 'commander'
import type { StatusDocument } from '../control/api/status-document.ts'

export const DEFAULT_SERVER = 'http://127.0.0.1:8002'

const WILDCARDS = new Set(['0.0.0.0', '::'])

/** `localhost:8001`: where a client on this machine finds who listens on `host`. */
export const formatAddress = (host: string, port: number): string => {
  const name = WILDCARDS.has(host) ? 'localhost' : host
  return `${isIPv6(name) ? `[${name}]` : name}:${port}`
}

/** The same as a URL: `http://localhost:8000`. */
export const formatUrl = (host: string, port: number, scheme: 'http' | 'https' = 'http'): string =>
  `${scheme}://${formatAddress(host, port)}`

/** Where the data plane is found by a client on this machine. */
export const dataPlaneUrl = ({
  httpHost,
  httpPort,
  httpScheme,
}: Pick<StatusDocument, 'httpHost' | 'httpPort' | 'httpScheme'>): string =>
  formatUrl(httpHost, httpPort, httpScheme)

/** Where gRPC is found by a client on this machine; null: nowhere, or an earlier release. */
export const grpcAddress = ({
  httpHost,
  grpcPort,
}: Pick<StatusDocument, 'httpHost' | 'grpcPort'>): string | null =>
  grpcPort ? formatAddress(httpHost, grpcPort) : null

/** `127.0.0.1:8002` or `ftp://host` as it should have been written; the default for nonsense. */
const meant = (text: string): string => {
  const host = text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
  return URL.parse(`http://${host}`)?.origin ?? DEFAULT_SERVER
}

/**
 * Value of `--server` or SLUICE_SERVER, without a slash at its end; nothing is the default.
 *
 * @throws InvalidArgumentError, which commander reports as misuse
 */
export const parseServer = (text: string): string => {
  if (text === '') return DEFAULT_SERVER
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError(`A URL is wanted, such as ${meant(text)}`)
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new InvalidArgumentError(`It holds more than an address: ${url.origin}`)
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

const MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 }
const TIMEOUT_MS_MAX = 86_400_000

/** Value of `--timeout` in milliseconds: `500ms`, `5s`, `2m`; a bare number is seconds. */
export const parseTimeout = (text: string): number => {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? []
  const ms = Math.round(Number(number) * MS[unit]!)
  if (ms >= 1 && ms <= TIMEOUT_MS_MAX) return ms
  throw new InvalidArgumentError('A duration is wanted, such as 500ms, 10s or 2m')
}
