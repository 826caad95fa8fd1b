import { expect, test } from 'vitest'
import { ERROR_CODES, ERRORS, refuse } from '../../../src/shared/errors.ts'
import { problemJson } from '../../../src/shared/problem.ts'

test('problemJson() says what RFC 9457 wants, and what its reader can do', () => {
  const errors = [{ pointer: '/features/age', detail: 'x' }]
  const refusal = refuse('INPUT_MISSING', 'no age', errors)
  expect(JSON.parse(problemJson(refusal, { requestId: 'a-1' }))).toEqual({
    type: 'about:blank',
    title: 'Bad Request',
    status: 400,
    detail: 'no age',
    code: 'INPUT_MISSING',
    errors,
    hint: ERRORS.INPUT_MISSING.hint,
    retryable: false,
    request_id: 'a-1',
  })
})

test('problemJson() leaves out what there is not, and takes what its caller knows better', () => {
  const text = problemJson(refuse('REQUEST_MALFORMED', 'x'), { status: 431, hint: 'less' })
  expect(JSON.parse(text)).toEqual({
    type: 'about:blank',
    title: 'Request Header Fields Too Large',
    status: 431,
    detail: 'x',
    code: 'REQUEST_MALFORMED',
    hint: 'less',
    retryable: false,
  })
})

test.each(ERROR_CODES.filter((code) => ERRORS[code].http > 0))(
  'problemJson() has a title for %s',
  (code) => {
    expect(JSON.parse(problemJson(refuse(code, 'x'))).title).not.toBe('Error')
  },
)
