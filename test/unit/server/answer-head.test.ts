import { expect, test } from 'vitest'
import { AnswerHead } from '../../../src/server/answer-head.ts'

const BLOCK = '200 OK\r\nx-sluice-model: a\r\nx-sluice-prediction-id: '

test('text() has both ids and the lines behind them', () => {
  expect(new AnswerHead(BLOCK).text('ours', 'theirs', '\r\nx: y')).toBe(
    `${BLOCK}ours\r\nx-request-id: theirs\r\nx: y`,
  )
})

test('bytes() are the text with one id for both', () => {
  const head = new AnswerHead(BLOCK)
  for (const sequence of [1, 9, 10, 8]) {
    const id = `gw.0.1-7-${sequence}`
    expect(Buffer.from(head.bytes('gw.0.1-7-', sequence)).toString()).toBe(head.text(id, id, ''))
  }
})
