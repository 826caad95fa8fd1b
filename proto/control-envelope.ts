/** Envelopes of `control.proto` as the messages of a `Link`. */

import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { type Envelope, EnvelopeSchema } from './gen/control_pb.ts'

/** Version of the protocol between control and replicas. Another one is refused. */
export const CONTROL_PROTOCOL = 1

/** What an envelope holds. `case` is undefined for a message of a newer release: ignore it. */
export type EnvelopeBody = Envelope['body']

export const envelopeCodec = {
  encode: (call: bigint, answers: bigint, body: EnvelopeBody): Uint8Array =>
    toBinary(EnvelopeSchema, create(EnvelopeSchema, { call, answers, body })),
  decode: (bytes: Uint8Array): { call: bigint; answers: bigint; body: EnvelopeBody } =>
    fromBinary(EnvelopeSchema, bytes),
}
