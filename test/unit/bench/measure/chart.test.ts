import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Chart, drawCharts, escapeXml, scaleOf } from '../../../../bench/measure/chart.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

test('escapeXml() leaves nothing that ends a text or an attribute', () => {
  expect(escapeXml(`a<b & "c" > 'd'`)).toBe('a&lt;b &amp; &quot;c&quot; &gt; &#39;d&#39;')
  expect(escapeXml('\u0000a\u001fb\tc')).toBe('ab\tc')
  expect(escapeXml('\ud800')).toBe('\ufffd')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const escaped = escapeXml(text)
      expect(escaped).not.toMatch(/[<>"']/)
      expect(escaped).not.toMatch(/&(?!(amp|lt|gt|quot|#39);)/)
    }),
    { numRuns: propertyRuns() },
  )
})

test('scaleOf() goes from the first tick to the last, and not beyond', () => {
  const scale = scaleOf({ label: '', ticks: [0, 5, 10] }, 100, 200)
  expect([0, 2.5, 10, -1, 11].map(scale)).toEqual([100, 125, 200, 100, 200])
  const turned = scaleOf({ label: '', ticks: [0, 1] }, 200, 100)
  expect(turned(0.25)).toBe(175)
})

test('scaleOf() makes equal ratios equal distances on a logarithmic axis', () => {
  const scale = scaleOf({ label: '', ticks: [1, 10, 100], isLogarithmic: true }, 0, 200)
  expect(scale(10)).toBeCloseTo(100)
  expect(scale(100)).toBeCloseTo(200)
})

const chart = (title: string, name: string): Chart => ({
  title,
  x: { label: 'load', ticks: [0, 1] },
  y: { label: 'share', ticks: [0, 1] },
  series: [
    {
      name,
      points: [
        [0, 0],
        [1, 1],
      ],
      hasDots: true,
    },
  ],
  band: { from: 0.25, to: 0.5, label: '10 times' },
})

test('drawCharts() draws the points, the band, the legend, for light pages and dark ones', () => {
  const svg = drawCharts('What it shows', [chart('Left & right', 'a < b')])
  expect(svg).toContain('<title>What it shows</title>')
  expect(svg).toContain('Left &amp; right')
  expect(svg).toContain('a &lt; b')
  expect(svg).toContain('d="M56 296L444 40"')
  expect(svg.match(/<circle/g)).toHaveLength(2)
  expect(svg).toContain('10 times')
  expect(svg).toContain('prefers-color-scheme:dark')
  expect(svg).not.toMatch(/NaN|undefined|Infinity/)
})

test('drawCharts() closes what it opens', () => {
  const svg = drawCharts('Two', [chart('a', 'x'), chart('b', 'x')])
  const open: string[] = []
  for (const [, slash, name, selfClosed] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (slash === '/') expect(open.pop()).toBe(name)
    else if (selfClosed !== '/') open.push(name!)
  }
  expect(open).toEqual([])
})
