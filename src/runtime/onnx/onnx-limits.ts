/** How large and how strange a model may be before the walker refuses it. */

import { MODEL_BYTES_MAX } from '../proving-task.ts'

export interface WalkLimits {
  readonly fileBytesMax: number
  readonly nodesMax: number
  readonly tensorsMax: number
  readonly depthMax: number
  /** Of one name: an operator, a domain, an input. */
  readonly nameBytesMax: number
  readonly metadataBytesMax: number
  /** Inputs of one graph, and its outputs. */
  readonly portsMax: number
  /** Names and shapes of them all: they are reported, and are part of every epoch. */
  readonly portBytesMax: number
  /** Domains, operators and functions beyond the known ones, and files of external data. */
  readonly foreignMax: number
  /** Domains whose operators ONNX Runtime brings along. */
  readonly domains: ReadonlySet<string>
}

/** Operators of other domains would need a library to be loaded: code from the model's author. */
const DOMAINS = ['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft']

/** Far above any real model. */
export const WALK_LIMITS: WalkLimits = {
  fileBytesMax: MODEL_BYTES_MAX,
  nodesMax: 1_000_000,
  tensorsMax: 1_000_000,
  depthMax: 64,
  nameBytesMax: 1024,
  metadataBytesMax: 4 * 1024 * 1024,
  portsMax: 10_000,
  portBytesMax: 512 * 1024,
  foreignMax: 10_000,
  domains: new Set(DOMAINS),
}

/** For what ONNX Runtime itself has written: its optimiser has layouts, and domains for them. */
export const OPTIMISED_LIMITS: WalkLimits = {
  ...WALK_LIMITS,
  domains: new Set([...DOMAINS, 'com.microsoft.nchwc', 'com.ms.internal.nhwc']),
}
