/** The wire formats, each with its place in the request counters. */

import { PROTOCOLS, type Protocol } from '../shared/counters.ts'
import * as featuresJson from './protocols/features-json.ts'
import * as oipJson from './protocols/oip-json.ts'
import type { DecodeRequest, EncodeError, EncodeResponse } from './protocols/protocol.ts'

export interface WireFormat {
  /** Index into PROTOCOLS. */
  readonly protocol: number
  readonly decodeRequest: DecodeRequest
  readonly encodeResponse: EncodeResponse
  readonly encodeError: EncodeError
}

const wireFormat = (protocol: Protocol, module: Omit<WireFormat, 'protocol'>): WireFormat => ({
  protocol: PROTOCOLS.indexOf(protocol),
  decodeRequest: module.decodeRequest,
  encodeResponse: module.encodeResponse,
  encodeError: module.encodeError,
})

/** `/predict` and `/feedback`; its error form also answers paths of no protocol. */
export const FEATURES = wireFormat('features', featuresJson)
/** Open Inference Protocol v2. */
export const OIP = wireFormat('oip', oipJson)
/** Requests outside every protocol: health, unknown paths. */
export const OTHER: WireFormat = { ...FEATURES, protocol: PROTOCOLS.indexOf('other') }
