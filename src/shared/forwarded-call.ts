/**
 * What replicas ask control for on behalf of clients: what control alone knows or may change.
 * Travels as `ForwardedCall` and `ForwardedAnswer` of proto/control.proto.
 *
 * A new call is a kind here, a route in `server` that makes it and a line in
 * `control/api/call-answers.ts` that answers it.
 */

import type { Refusal } from './errors.ts'

/** Payload by kind, as it travels in JSON. */
export interface CallPayloads {
  /** Which models and versions there are, and their states. `ready`: only those that serve. */
  readonly repository_index: { readonly ready: boolean }
  /** Triton's statistics of all versions that serve, of those of a model, or of one. */
  readonly model_statistics: { readonly model: string | null; readonly version: number | null }
  /** Triton's config of a version that serves. */
  readonly model_config: { readonly model: string; readonly version: number }
  /** Answered with '' once the model serves in all replicas. */
  readonly model_load: { readonly model: string }
  /** Answered with '' once the model takes no more requests. */
  readonly model_unload: { readonly model: string }
}

export type CallKind = keyof CallPayloads

export interface ForwardedCall {
  readonly kind: CallKind
  /** JSON text. */
  readonly payload: string
}

/** The body of the answer, which the client gets as it is, or why there is none. */
export type ForwardedAnswer = string | Refusal

export const forwardedCall = <Kind extends CallKind>(
  kind: Kind,
  payload: CallPayloads[Kind],
): ForwardedCall => ({ kind, payload: JSON.stringify(payload) })
