/** What a variant plan means for messages of gRPC: the bytes of its names. */

import type { AskedOutput } from '../protocol.ts'
import type { VariantParts } from '../variant-parts.ts'
import { textField } from './wire-write.ts'

export interface NamedBytes {
  readonly name: Uint8Array
  readonly datatype: Uint8Array
}

export interface GrpcPlan {
  /** In the order of the signature. */
  readonly inputs: readonly NamedBytes[]
  /** Names of the outputs. */
  readonly outputs: readonly Uint8Array[]
  /** Most dimensions that an input has. */
  readonly rankMax: number
  /** All outputs as bytes; each of them is that of a request that names it, and nothing else. */
  readonly raw: readonly AskedOutput[]
  /** The fields `model_name` and `model_version` of an answer. */
  readonly head: Uint8Array
  /** By output: its field `name`. */
  readonly names: readonly Uint8Array[]
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

export const compileGrpc = ({ endpoint, version, signature }: VariantParts): GrpcPlan => {
  const { inputs, outputs } = signature
  const head = Buffer.concat([textField(1, endpoint), textField(2, String(version))])
  return {
    inputs: inputs.map(({ name, datatype }) => ({
      name: bytesOf(name),
      datatype: bytesOf(datatype),
    })),
    outputs: outputs.map(({ name }) => bytesOf(name)),
    rankMax: Math.max(0, ...inputs.map(({ shape }) => shape.length)),
    raw: outputs.map((_, index) => ({ index, isBinary: true, classes: 0 })),
    head: new Uint8Array(head),
    names: outputs.map(({ name }) => textField(1, name)),
  }
}
