import { expect, test } from 'vitest'
import { metricSum } from '../../../../bench/measure/metrics.ts'

const PAGE = `# HELP rows_total Rows
# TYPE rows_total counter
rows_total{model="a",version="1"} 3
rows_total{model="a",version="2"} 4
rows_total{model="b",version="1"} 50
rows_total_more{model="a"} 600
plain 7.5
`

test('metricSum() adds up the series of one name that have the labels', () => {
  expect(metricSum(PAGE, 'rows_total', {})).toBe(57)
  expect(metricSum(PAGE, 'rows_total', { model: 'a' })).toBe(7)
  expect(metricSum(PAGE, 'rows_total', { model: 'a', version: '2' })).toBe(4)
  expect(metricSum(PAGE, 'plain', {})).toBe(7.5)
  expect(metricSum(PAGE, 'other', {})).toBe(0)
})
