/**
 * The log-linear slots in which latencies are counted.
 *
 * Slot 0 holds (0, 4] us. Then every decade is cut into steps of a tenth of it: 1 us wide to
 * 100 us, 10 us wide to 1 ms, and so on to 100 s; the last slot holds what is longer. A slot is at
 * most 10 % wide above 10 us (25 % at 4 us), and every bound that is exported is an edge of a slot,
 * so exported buckets are exact sums.
 */

const FIRST_EDGE_US = 4
const FIRST_DECADE_TOP_US = 100
const STEPS_FIRST = FIRST_DECADE_TOP_US - FIRST_EDGE_US
const STEPS_PER_DECADE = 90
const DECADES = 6

/** 1 + 96 + 6 x 90 + 1 slots. */
export const LATENCY_SLOTS = 1 + STEPS_FIRST + DECADES * STEPS_PER_DECADE + 1

/** Slot of a duration in microseconds; slot i holds (edge(i - 1), edge(i)]. */
export const latencySlot = (us: number): number => {
  if (us <= FIRST_EDGE_US) return 0
  if (us <= FIRST_DECADE_TOP_US) return Math.ceil(us) - FIRST_EDGE_US
  let base = STEPS_FIRST
  let unit = 10
  for (let decade = 0; decade < DECADES; decade++) {
    if (us <= unit * 100) return base + Math.ceil(us / unit) - 10
    base += STEPS_PER_DECADE
    unit *= 10
  }
  return LATENCY_SLOTS - 1
}

/** Upper edge of a slot in microseconds; Infinity for the last. */
export const latencySlotEdgeUs = (slot: number): number => {
  if (slot <= STEPS_FIRST) return FIRST_EDGE_US + slot
  const beyond = slot - STEPS_FIRST - 1
  const decade = Math.floor(beyond / STEPS_PER_DECADE)
  if (decade >= DECADES) return Number.POSITIVE_INFINITY
  return ((beyond % STEPS_PER_DECADE) + 11) * 10 ** (decade + 1)
}

/** Upper bounds of the exported histogram in microseconds: 16 of them, 25 us to 10 s. */
export const LATENCY_BOUNDS_US: readonly number[] = [
  25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
  2_500_000, 10_000_000,
]

/** Cumulative counts at LATENCY_BOUNDS_US, from slot counts starting at `offset`. */
export const cumulativeAtBounds = (counts: ArrayLike<number>, offset: number): number[] => {
  const cumulative: number[] = []
  let slot = 0
  let sum = 0
  for (const boundUs of LATENCY_BOUNDS_US) {
    const last = latencySlot(boundUs)
    for (; slot <= last; slot++) sum += counts[offset + slot] ?? 0
    cumulative.push(sum)
  }
  return cumulative
}

/** Quantile in microseconds: the upper edge of its slot; 0 when nothing was counted. */
export const quantileUs = (counts: ArrayLike<number>, offset: number, q: number): number => {
  let total = 0
  for (let slot = 0; slot < LATENCY_SLOTS; slot++) total += counts[offset + slot] ?? 0
  if (total === 0) return 0
  const rank = Math.max(1, Math.ceil(q * total))
  let seen = 0
  for (let slot = 0; slot < LATENCY_SLOTS; slot++) {
    seen += counts[offset + slot] ?? 0
    if (seen >= rank) return latencySlotEdgeUs(slot)
  }
  return Number.POSITIVE_INFINITY
}
