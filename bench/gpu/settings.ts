/** A session on GPU 0. */

import {
  DEFAULT_CUDA,
  DEFAULT_SESSION,
  type SessionSettings,
} from '../../src/shared/session-settings.ts'

export const ON_GPU: SessionSettings = {
  ...DEFAULT_SESSION,
  providers: ['cuda', 'cpu'],
  cuda: { ...DEFAULT_CUDA, isRequired: true },
}
