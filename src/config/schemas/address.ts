/** Where a server listens: host, port, or both in one text. */

import { isIP, isIPv6 } from 'node:net'
import { z } from 'zod'
import type { ListenAddress } from '../config.ts'
import { shownValue } from '../schema-text.ts'
import { count } from './setting.ts'

const PORT_MAX = 65_535

/** 0: a free one. */
export const port = count(0, PORT_MAX)

const HOST_NAME = /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})$/

const isHost = (text: string): boolean => isIP(text) > 0 || HOST_NAME.test(text)

/** An IP address or a host name, without a port. */
export const host = z.string().min(1).refine(isHost, {
  error: 'is no IP address or host name (the port has a key of its own)',
})

/** Brackets keep the colons of an IPv6 address apart from that before the port. */
const HOST_AND_PORT = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/

/** `0.0.0.0:8003`, `[::1]:8003` -> host and port, or what is wrong. */
const readAddress = (text: string): ListenAddress | string => {
  const [, bracketed, plain = '', digits] = HOST_AND_PORT.exec(text) ?? []
  if (digits === undefined) return 'wanted host:port'
  if (Number(digits) > PORT_MAX) return `its port is not 0 to ${PORT_MAX}`
  const isKnown = bracketed === undefined ? isHost(plain) : isIPv6(bracketed)
  if (!isKnown) return 'its host is no IP address or host name'
  return { host: bracketed ?? plain, port: Number(digits) }
}

/** `host:port`, an IPv6 address in brackets. */
export const address = z
  .string()
  .min(1)
  .transform((text, context): ListenAddress => {
    const read = readAddress(text)
    if (typeof read !== 'string') return read
    context.addIssue({ code: 'custom', message: `got ${shownValue(text)}; ${read}` })
    return z.NEVER
  })
