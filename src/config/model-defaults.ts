/** What a model is that says nothing of itself. */

import { DEFAULT_QUEUE } from '../shared/queue-policy.ts'
import { DEFAULT_SESSION } from '../shared/session-settings.ts'
import type { ModelConfig } from './config.ts'

export const DEFAULT_MODEL_CONFIG: ModelConfig = {
  maxBatchSize: null,
  maxQueueDelayUs: 0,
  preferredBatchSize: [],
  session: DEFAULT_SESSION,
  queue: DEFAULT_QUEUE,
  versionPolicy: { kind: 'latest', count: 1 },
  placement: 'auto',
  instances: null,
  warmups: [],
  declared: null,
}
