/** First runs of a new session, so that no client waits for lazy initialisation. */

import type { PlannedVersion } from '../shared/epoch-plan.ts'
import { exampleInputs, stackInputs } from './proving-inputs.ts'
import type { Session } from './session-types.ts'

/**
 * Runs the example row of the version (made up where it has none), then a full batch of it. A model
 * that rejects it is no failure here: the proving run has judged that.
 */
export const warmUp = (
  session: Session,
  { manifest, exampleRow, batching }: Pick<PlannedVersion, 'manifest' | 'exampleRow' | 'batching'>,
): void => {
  const row = exampleInputs(session.signature, manifest, exampleRow)
  try {
    session.run(row)
    if (batching.rowsMax > 1) session.run(stackInputs([row], batching.rowsMax))
  } catch {} // a made-up row may be out of this model's domain
}
