/** Waiting for what happened, not for time to pass: the one place where tests poll. */

export interface UntilOptions {
  /** For the error when it does not come to pass. */
  readonly what: string
  readonly timeoutMs?: number
  readonly everyMs?: number
}

const ANSWER_MS_MIN = 500

/** Rejects when an answer takes until the deadline: whom it asks may hang. */
const answerOf = async <Value>(
  condition: () => Value | Promise<Value>,
  deadlineMs: number,
): Promise<Value> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const leftMs = Math.max(ANSWER_MS_MIN, deadlineMs - performance.now())
    timer = setTimeout(() => reject(new Error('The last question was not answered')), leftMs)
  })
  try {
    return await Promise.race([condition(), late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Resolves with the first truthy value of `condition`, which is asked again and again; a throw
 * counts as "not yet". Rejects after the timeout with the last error as its cause. It asks once
 * more when the time is over: a machine that stood still is no reason to fail.
 */
export const until = async <Value>(
  condition: () => Value | Promise<Value>,
  { what, timeoutMs = 10_000, everyMs = 10 }: UntilOptions,
): Promise<NonNullable<Value>> => {
  const deadlineMs = performance.now() + timeoutMs
  let last: unknown
  for (;;) {
    const isLast = performance.now() >= deadlineMs
    try {
      const value = await answerOf(condition, deadlineMs)
      if (value) return value
    } catch (error) {
      last = error
    }
    if (isLast) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`, { cause: last })
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
