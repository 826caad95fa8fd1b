/** The longest that a version may take to load, or the watchdog's limit if that is longer. */
const LOAD_MS_MAX = 60_000
/** However much is to load: a timer of more than 24 days would go off at once. */
const PREPARE_MS_MAX = 24 * 3_600_000

/**
 * The longest that a replica may take to prepare a plan, in milliseconds: every load has the whole
 * limit of one to itself. A load that hangs ends sooner: for that there is the watchdog.
 *
 * @param loads how many versions it has to load
 * @param loadMsMax what the watchdog allows for each, in milliseconds
 */
export const prepareMsMax = (loads: number, loadMsMax: number): number =>
  Math.min(PREPARE_MS_MAX, Math.max(LOAD_MS_MAX, loadMsMax) * Math.max(1, loads))
