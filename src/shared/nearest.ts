/** The name that was probably meant: used wherever a name is refused. */

/** Names longer than this are not compared: a client must not buy CPU with a long key. */
const LENGTH_MAX = 64
const CANDIDATES_MAX = 2000
/** Lower case may be longer than upper case: `İ`. */
const CELLS = 2 * LENGTH_MAX + 2
/** Most cells of distance tables that one question may fill. */
const STEPS_MAX = 200_000
/** Edits that are taken for a slip. */
const EDITS_MAX = 3
/** Shorter names begin too many others. */
const PREFIX_LENGTH_MIN = 4

/** Names with what they are compared by, for lists that are asked often. */
export interface Names {
  readonly names: readonly string[]
  readonly normal: readonly string[]
}

const normalOf = (name: string): string => name.toLowerCase().replaceAll(/[-_. ]/g, '')

export const prepareNames = (names: readonly string[]): Names => {
  const compared = names.slice(0, CANDIDATES_MAX)
  return {
    names: compared,
    normal: compared.map((name) => (name.length > LENGTH_MAX ? '' : normalOf(name))),
  }
}

/** Damerau-Levenshtein distances (optimal string alignment), as far as they matter. */
class EditDistance {
  #beforeLast = new Uint8Array(CELLS)
  #last = new Uint8Array(CELLS)
  #row = new Uint8Array(CELLS)
  /** Cells filled so far. */
  steps = 0

  /**
   * The distance, or `max + 1` when it is larger: only cells within `max` of the diagonal are
   * filled, and none after a row in which all are larger.
   */
  between(a: string, b: string, max: number): number {
    const beyond = max + 1
    if (Math.abs(a.length - b.length) > max) return beyond
    for (let j = 0; j <= Math.min(b.length, beyond); j++) this.#last[j] = j
    for (let i = 1; i <= a.length; i++) {
      if (this.#fillRow(a, b, i, max) > max) return beyond
      const spare = this.#beforeLast
      this.#beforeLast = this.#last
      this.#last = this.#row
      this.#row = spare
    }
    return Math.min(beyond, this.#last[b.length]!)
  }

  /** Fills row `i`; its smallest cell. */
  #fillRow(a: string, b: string, i: number, max: number): number {
    const [row, last, beforeLast] = [this.#row, this.#last, this.#beforeLast]
    const from = Math.max(1, i - max)
    const to = Math.min(b.length, i + max)
    // Cells beside the band count as too far.
    row[from - 1] = from === 1 ? i : max + 1
    if (i > 1 && to === i + max) last[to] = max + 1
    let smallest = row[from - 1]!
    for (let j = from; j <= to; j++) {
      const isSame = a.charCodeAt(i - 1) === b.charCodeAt(j - 1)
      let cost = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + (isSame ? 0 : 1))
      const isSwap =
        i > 1 &&
        j > 1 &&
        a.charCodeAt(i - 1) === b.charCodeAt(j - 2) &&
        a.charCodeAt(i - 2) === b.charCodeAt(j - 1)
      if (isSwap) cost = Math.min(cost, beforeLast[j - 2]! + 1)
      row[j] = cost
      smallest = Math.min(smallest, cost)
    }
    this.steps += Math.max(0, to - from + 1)
    return smallest
  }
}

/** The only candidate that goes on where the name ends. */
const continuation = (wanted: string, { names, normal }: Names): string | null => {
  if (wanted.length < PREFIX_LENGTH_MIN) return null
  const index = normal.findIndex((other) => other.startsWith(wanted))
  const isOnly = index >= 0 && !normal.some((other, i) => i > index && other.startsWith(wanted))
  return isOnly ? names[index]! : null
}

/** As `nearest`, and how many cells of distance tables it took to find out. */
export const findNearest = (
  name: string,
  candidates: Names,
): { name: string | null; steps: number } => {
  if (name.length === 0 || name.length > LENGTH_MAX) return { name: null, steps: 0 }
  const wanted = normalOf(name)
  const { names, normal } = candidates
  const distance = new EditDistance()
  let best = -1
  let bestEdits = Math.min(EDITS_MAX, Math.max(1, Math.floor(name.length / 3))) + 1
  for (let i = 0; i < names.length && bestEdits > 0 && distance.steps < STEPS_MAX; i++) {
    if (normal[i] === '' && names[i] !== name) continue
    const edits = distance.between(wanted, normal[i]!, bestEdits - 1)
    if (edits >= bestEdits) continue
    best = i
    bestEdits = edits
  }
  return {
    name: best >= 0 ? names[best]! : continuation(wanted, candidates),
    steps: distance.steps,
  }
}

/**
 * The candidate nearest to `name`: the same but for case and separators, else within a third of its
 * length in edits (at most 3), else the only one that begins with it (`model_repo`). Null when none
 * is near.
 */
export const nearest = (name: string, candidates: readonly string[] | Names): string | null =>
  findNearest(name, 'normal' in candidates ? candidates : prepareNames(candidates)).name
