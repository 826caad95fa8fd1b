/** Names within a repository. */

/** Names that editors, copies in progress and file systems leave about. */
export const isIgnored = (name: string): boolean =>
  /^[._]|~$|\.tmp$/.test(name) || name === 'lost+found'

export const TRITON_FILE = 'config.pbtxt'
export const OWN_FILE = 'model.yaml'
export const ALIASES_FILE = 'aliases.json'

/** What says how a model is served. */
export const SETTINGS_FILES: readonly string[] = [TRITON_FILE, OWN_FILE, ALIASES_FILE]

/** Of a model: data that its warm-up is fed with. */
export const WARM_UP_FOLDER = 'warmup'
