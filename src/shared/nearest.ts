/** The name that was probably meant: used wherever a name is refused. */

/** Damerau-Levenshtein distance (optimal string alignment), cut off above `max`. */
const editDistance = (a: string, b: string, max: number): number => {
  if (Math.abs(a.length - b.length) > max) return max + 1
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      let cost = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + (isSame ? 0 : 1))
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwap) cost = Math.min(cost, beforeLast[j - 2]! + 1)
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]!
}

const normal = (name: string): string => name.toLowerCase().replaceAll(/[-_. ]/g, '')

/** Names longer than this are not compared: a client must not buy CPU with a long key. */
const LENGTH_MAX = 64
const CANDIDATES_MAX = 2000

/**
 * The candidate nearest to `name`: the same but for case and separators, else within a third of its
 * length in edits (at most 3). Null when none is near.
 */
export const nearest = (name: string, candidates: readonly string[]): string | null => {
  if (name.length === 0 || name.length > LENGTH_MAX) return null
  const wanted = normal(name)
  let best: string | null = null
  let bestDistance = Math.min(3, Math.max(1, Math.floor(name.length / 3))) + 1
  for (const candidate of candidates.slice(0, CANDIDATES_MAX)) {
    if (candidate.length > LENGTH_MAX) continue
    const other = normal(candidate)
    const distance = wanted === other ? 0 : editDistance(wanted, other, bestDistance)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}
