/** Words that a test shares with the compute threads of mortal-compute-thread.ts. */
export const FATE_WORDS = {
  /** State of a slot at whose sight a thread ends; 0: none. */
  STATE: 0,
  /** How many times that happens. */
  DEATHS: 1,
  /** Runs so far. */
  RUNS: 2,
} as const
