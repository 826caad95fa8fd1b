/** The states of a version, in one place: what each means, and Triton's word for it. */

/**
 * ```
 * loading    wanted; its files settle, it is proved, or replicas load it
 * available  loaded in every replica
 * draining   not wanted any more; some replica still answers requests with it
 * unloaded   not wanted, and loaded nowhere
 * failed     wanted, and cannot serve
 * poison     failed for good: replicas died with it in flight
 * ```
 */
export type VersionState = 'loading' | 'available' | 'draining' | 'unloaded' | 'failed' | 'poison'

/** As Triton's repository index has it (core, model_lifecycle.h). */
export type TritonState = 'READY' | 'LOADING' | 'UNLOADING' | 'UNAVAILABLE'

const TRITON_STATES: Readonly<Record<VersionState, TritonState>> = {
  loading: 'LOADING',
  available: 'READY',
  draining: 'UNLOADING',
  unloaded: 'UNAVAILABLE',
  failed: 'UNAVAILABLE',
  poison: 'UNAVAILABLE',
}

export const tritonStateOf = (state: VersionState): TritonState => TRITON_STATES[state]
