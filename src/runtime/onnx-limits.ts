/** How large and how strange a model may be before the walker refuses it. */

export interface WalkLimits {
  readonly fileBytesMax: number
  readonly nodesMax: number
  readonly tensorsMax: number
  readonly depthMax: number
  readonly nameBytesMax: number
  readonly metadataBytesMax: number
  /** Domains, and operators and functions of domains beyond the known ones. */
  readonly foreignMax: number
  /** Domains whose operators ONNX Runtime brings along. */
  readonly domains: ReadonlySet<string>
}

/** Operators of other domains would need a library to be loaded: code from the model's author. */
const DOMAINS = ['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft']

/** 2 GiB is protobuf's own bound; the rest is far above any real model. */
export const WALK_LIMITS: WalkLimits = {
  fileBytesMax: 2 ** 31 - 1,
  nodesMax: 1_000_000,
  tensorsMax: 1_000_000,
  depthMax: 64,
  nameBytesMax: 1024 * 1024,
  metadataBytesMax: 4 * 1024 * 1024,
  foreignMax: 10_000,
  domains: new Set(DOMAINS),
}

/** For what ONNX Runtime itself has written: its optimiser has layouts, and domains for them. */
export const OPTIMISED_LIMITS: WalkLimits = {
  ...WALK_LIMITS,
  domains: new Set([...DOMAINS, 'com.microsoft.nchwc', 'com.ms.internal.nhwc']),
}
