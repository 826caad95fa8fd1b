/** What control needs to know of the model repository, and of who may change what is loaded. */

import type { SluiceConfig } from '../config/config.ts'
import { repositoryParsers } from '../config/parsers.ts'
import type { ModelControlSettings } from '../control/repository/model-control.ts'
import type { Repository } from '../control/repository/repository-reader.ts'
import { stampModel, stampRepository } from '../registry/file-stamps.ts'
import { scanOneModel, scanRepository } from '../registry/folder.ts'

export const repositoryAt = (root: string): Repository => ({
  scan: () => scanRepository(root, repositoryParsers),
  scanModel: (name) => scanOneModel(root, name, repositoryParsers),
  stamps: () => stampRepository(root),
  stampModel: (name) => stampModel(root, name),
})

export const modelControlOf = (config: SluiceConfig): ModelControlSettings => ({
  mode: config.modelControlMode,
  pollMs: config.modelPollSeconds * 1000,
  loadModels: config.loadModels,
  retries: { max: config.loadRetriesMax, firstMs: config.loadRetrySeconds * 1000 },
})
