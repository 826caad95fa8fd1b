/** Where the sessions of a version live. */

export interface Placement {
  /** `inline`: one session in every data thread; `pooled`: in compute threads. */
  readonly kind: 'inline' | 'pooled'
  /** Sessions in a replica, each on a compute thread of its own; 0 when inline. */
  readonly instances: number
  /** A sentence for the operator: why. */
  readonly reason: string
}

/** What model.yaml may ask for. */
export const PLACEMENT_WISHES = ['auto', 'inline', 'pooled'] as const
export type PlacementWish = (typeof PLACEMENT_WISHES)[number]

export const INLINE: Placement = { kind: 'inline', instances: 0, reason: '' }
