/** Everything that is known about one (endpoint, variant) when an epoch is prepared. */

import type { Binding, Contract } from '../../shared/contract.ts'
import type { Manifest } from '../../shared/manifest.ts'
import type { Signature } from '../../shared/tensor.ts'

export interface VariantParts {
  readonly endpoint: string
  readonly model: string
  readonly version: number
  readonly variant: string
  readonly contract: Contract
  readonly binding: Binding
  readonly signature: Signature
  readonly manifest: Manifest | null
  /** Elements per row of each input; null without a row dimension, or with a free inner one. */
  readonly rowStrides: readonly number[] | null
  /** Most rows in one run; 0: requests run alone and shapes have no row dimension of ours. */
  readonly rowsMax: number
  readonly jsonDepthMax: number
}
