/** What becomes of a suite of a foreign client, given the failures that are known and explained. */

/** One line of output of a client's program. */
export interface CaseResult {
  readonly case: string
  readonly ok: boolean
  /** Why it failed. */
  readonly detail: string
}

/** What answers: one of the two engines of HTTP, or gRPC. */
export type Engine = 'uws' | 'node' | 'grpc'

/** One row of `test/conformance/expected-failures.json`. */
export interface ExpectedFailure {
  readonly client: string
  /** `both`: of HTTP. */
  readonly engine: Engine | 'both'
  readonly case: string
  /** Regular expression of what the case must say: a failure for any other reason is a new one. */
  readonly detail: string
  readonly reason: string
}

export type Outcome = 'passed' | 'expected failure' | 'wrong'

export interface Verdict {
  readonly case: string
  readonly outcome: Outcome
  /** What is wrong, for the message of the test; else ''. */
  readonly problem: string
}

/** The rows that hold for one client and engine, by their case. */
export const expectedOf = (
  rows: readonly ExpectedFailure[],
  client: string,
  engine: Engine,
): ReadonlyMap<string, ExpectedFailure> =>
  new Map(
    rows
      .filter((row) => row.client === client)
      .filter((row) => row.engine === engine || (row.engine === 'both' && engine !== 'grpc'))
      .map((row) => [row.case, row]),
  )

const judge = (
  name: string,
  results: readonly CaseResult[],
  expected: ExpectedFailure | undefined,
): Omit<Verdict, 'case'> => {
  const wrong = (problem: string) => ({ outcome: 'wrong', problem }) as const
  const [result, ...more] = results
  if (result === undefined) return wrong(`${name} was not run: the program ended before it`)
  if (more.length > 0) return wrong(`${name} was run ${results.length} times`)
  if (expected === undefined) {
    return result.ok ? { outcome: 'passed', problem: '' } : wrong(`${name}: ${result.detail}`)
  }
  const { detail, reason } = expected
  if (result.ok) {
    return wrong(`${name} passes, and was expected to fail (${reason}): take it off the list`)
  }
  if (new RegExp(detail, 's').test(result.detail)) {
    return { outcome: 'expected failure', problem: '' }
  }
  return wrong(`${name} fails otherwise than expected (/${detail}/): ${result.detail}`)
}

/**
 * A verdict for each case that was announced or came, and for each expected failure of a case that
 * does not exist. A case that fails, passes against expectation, fails otherwise than expected, or
 * is missing is wrong.
 *
 * @param announced all cases, as the program lists them without running any
 * @param results what it printed
 * @param expected by case, of `expectedOf`
 */
export const judgeCases = (
  announced: readonly string[],
  results: readonly CaseResult[],
  expected: ReadonlyMap<string, ExpectedFailure>,
): readonly Verdict[] => {
  const byCase = Map.groupBy(results, (result) => result.case)
  const known = new Set([...announced, ...byCase.keys()])
  const gone = [...expected.keys()].filter((name) => !known.has(name))
  return [
    ...[...known].map((name) => ({
      case: name,
      ...judge(name, byCase.get(name) ?? [], expected.get(name)),
    })),
    ...gone.map(
      (name): Verdict => ({
        case: name,
        outcome: 'wrong',
        problem: `${name} is expected to fail, but there is no such case: take it off the list`,
      }),
    ),
  ]
}
