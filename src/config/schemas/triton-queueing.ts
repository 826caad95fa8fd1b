/** The keys of Triton's ModelDynamicBatching. */

import {
  BATCH_ROWS_MAX,
  PREFERRED_SIZES_MAX,
  PRIORITY_LEVELS_MAX,
  QUEUE_DELAY_US_MAX,
  QUEUE_REQUESTS_MAX,
  QUEUE_TIMEOUT_US_MAX,
  TIMEOUT_ACTIONS,
} from './queueing.ts'
import { FALSE, integer, type TritonKeys, text, truth, warned } from './triton-keys.ts'

const QUEUE_POLICY: TritonKeys = {
  timeout_action: {
    ...text(
      'what becomes of a request that has waited for its timeout. `REJECT`: it is refused with DEADLINE_EXPIRED; `DELAY`: it runs after all that are in time',
      TIMEOUT_ACTIONS,
    ),
    ...{ type: 'enum', firstNumber: 0 },
  },
  default_timeout_microseconds: integer(
    0,
    QUEUE_TIMEOUT_US_MAX,
    'how long a request may wait for its run; 0: as long as it takes',
  ),
  allow_timeout_override: truth(
    'whether a request may ask for a shorter time with its parameter `timeout`',
  ),
  max_queue_size: integer(
    0,
    QUEUE_REQUESTS_MAX,
    'most requests that may wait; 0: as the limits of the server allow',
  ),
}

export const DYNAMIC_BATCHING: TritonKeys = {
  preferred_batch_size: {
    ...integer(1, BATCH_ROWS_MAX, `sizes that end the waiting; at most ${PREFERRED_SIZES_MAX}`),
    ...{ isRepeated: true, countMax: PREFERRED_SIZES_MAX },
  },
  max_queue_delay_microseconds: integer(
    0,
    QUEUE_DELAY_US_MAX,
    `how long a batch may wait for company; at most ${QUEUE_DELAY_US_MAX}`,
  ),
  preserve_ordering: warned('requests of several connections may be answered in any order', FALSE),
  priority_levels: integer(
    0,
    PRIORITY_LEVELS_MAX,
    `levels of priority, 1 the first; at most ${PRIORITY_LEVELS_MAX}`,
  ),
  default_priority_level: integer(
    0,
    Number.MAX_SAFE_INTEGER,
    'level of a request without `priority`; where there are levels, it must be one of them',
  ),
  default_queue_policy: { keys: QUEUE_POLICY },
  priority_queue_policy: {
    isRepeated: true,
    keys: {
      key: integer(0, Number.MAX_SAFE_INTEGER, 'a level'),
      value: { keys: QUEUE_POLICY },
    },
  },
}
