/** Which models are loaded, and when the repository is read again. Keys of the top level. */

import { z } from 'zod'
import { count, setting } from '../setting.ts'

export const modelControl = {
  model_control_mode: setting(
    z.enum(['none', 'poll', 'explicit']).default('none'),
    'Who loads and unloads models. `none`: all are loaded; the repository is read at start and on SIGHUP. `poll`: it is also read when its files have changed. `explicit`: only `load_models` are loaded, and what clients ask for by `/v2/repository/models/{m}/load`, from this machine only.',
    'reload',
  ),
  model_poll_seconds: setting(
    z.number().min(0.1).max(86_400).default(15),
    'Time between two looks at the files of the repository in the mode `poll`; nothing is read that has not changed. Raise it for very many files or slow file systems; lower it to have new versions sooner.',
    'reload',
  ),
  load_models: setting(
    z.array(z.string().min(1)).default([]),
    'Models that are loaded at start in the mode `explicit`; `*`: all. What clients have asked to load and unload since counts above it.',
    'reload',
  ),
  load_retries_max: setting(
    count(0, 100).default(5),
    'How often a version is tried again by itself after a failure that may pass: a proving run that crashed, was too slow or too large, files that cannot be read, a replica that cannot load it. Raise it where file systems come late; 0 tries once.',
    'reload',
  ),
  load_retry_seconds: setting(
    z.number().min(0.1).max(3600).default(1),
    'Time from the first failure to the next try; from each further one twice as long. Raise it for models whose tries are costly.',
    'reload',
  ),
}
