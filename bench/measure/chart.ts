/**
 * Line charts as SVG, one beside the other, legible on light pages and dark ones. Pure.
 *
 * A writer of our own: charting libraries either want a DOM or bring tens of packages for what are
 * scales and paths here (docs/dependencies.md).
 */

export interface Axis {
  readonly label: string
  /** Where lines and numbers are; the axis goes from the first to the last. */
  readonly ticks: readonly number[]
  readonly isLogarithmic?: boolean
}

export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** Dots at the points: they were measured, what is between them was not. */
  readonly hasDots?: boolean
}

export interface Chart {
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
  /** A stretch of x with a name of its own. */
  readonly band?: { readonly from: number; readonly to: number; readonly label: string }
}

const WIDTH = 460
const HEIGHT = 340
const LEFT = 56
const RIGHT = 16
const TOP = 40
const BOTTOM = 44
const LEGEND_LINE = 18

/** Told apart by hue, lightness and dashes, on white and on near-black. */
const STYLE = `text{font:12px system-ui,sans-serif;fill:var(--ink)}
.title{font-size:14px;font-weight:600}.grid{stroke:var(--grid)}.band{fill:var(--band)}
.line{fill:none;stroke-width:2}.s0{--hue:var(--s0)}.s1{--hue:var(--s1)}.s2{--hue:var(--s2)}
.line{stroke:var(--hue)}.dot{fill:var(--hue)}.s1 .line{stroke-dasharray:7 4}
.s2 .line{stroke-dasharray:2 4}.page{fill:var(--page)}
svg{--page:#fff;--ink:#1f2328;--grid:#d0d7de;--band:#fff1d6;--s0:#0550ae;--s1:#1a7f37;--s2:#cf222e}
@media (prefers-color-scheme:dark){svg{--page:#0d1117;--ink:#e6edf3;--grid:#30363d;--band:#3a2d12;
--s0:#79c0ff;--s1:#56d364;--s2:#ff7b72}}`

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as content or attribute of an element; characters that XML forbids are left out. */
export const escapeXml = (text: string): string =>
  [...text.toWellFormed()]
    .filter((character) => character >= ' ' || '\t\n\r'.includes(character))
    .map((character) => ESCAPES[character] ?? character)
    .join('')

const tenth = (value: number): string => String(Math.round(value * 10) / 10)

/** From numbers of an axis to places between `from` and `to`; beyond its ends they stay at them. */
export const scaleOf = ({ ticks, isLogarithmic = false }: Axis, from: number, to: number) => {
  const position = (value: number): number => (isLogarithmic ? Math.log(value) : value)
  const [first, last] = [position(ticks[0]!), position(ticks.at(-1)!)]
  return (value: number): number => {
    const share = (position(value) - first) / (last - first)
    return from + Math.min(1, Math.max(0, share)) * (to - from)
  }
}

const textAt = (x: number, y: number, text: string, more = ''): string =>
  `<text x="${tenth(x)}" y="${tenth(y)}"${more}>${escapeXml(text)}</text>`

const MIDDLE = ' text-anchor="middle"'
const END = ' text-anchor="end"'

/** A chart with its upper left corner at 0, 0. */
const drawChart = ({ title, x, y, series, band }: Chart): string => {
  const bottom = HEIGHT - BOTTOM
  const toX = scaleOf(x, LEFT, WIDTH - RIGHT)
  const toY = scaleOf(y, bottom, TOP)
  const middle = (LEFT + WIDTH - RIGHT) / 2
  const parts = [textAt(LEFT, 20, title, ' class="title"')]
  if (band !== undefined) {
    const [from, to] = [toX(band.from), toX(band.to)]
    const size = `width="${tenth(to - from)}" height="${tenth(bottom - TOP)}"`
    parts.push(`<rect class="band" x="${tenth(from)}" y="${TOP}" ${size}/>`)
    parts.push(textAt((from + to) / 2, TOP + 14, band.label, MIDDLE))
  }
  for (const tick of y.ticks) {
    const at = tenth(toY(tick))
    parts.push(`<path class="grid" d="M${LEFT} ${at}H${WIDTH - RIGHT}"/>`)
    parts.push(textAt(LEFT - 8, toY(tick) + 4, String(tick), END))
  }
  for (const tick of x.ticks) parts.push(textAt(toX(tick), bottom + 18, String(tick), MIDDLE))
  parts.push(textAt(middle, bottom + 36, x.label, MIDDLE))
  const turned = ` transform="rotate(-90 14 ${tenth((TOP + bottom) / 2)})"${MIDDLE}`
  parts.push(textAt(14, (TOP + bottom) / 2, y.label, turned))
  series.forEach(({ points, hasDots = false }, i) => {
    const places = points.map(([px, py]) => [tenth(toX(px)), tenth(toY(py))] as const)
    const path = places.map(([px, py], at) => `${at === 0 ? 'M' : 'L'}${px} ${py}`).join('')
    const dots = hasDots
      ? places.map(([cx, cy]) => `<circle class="dot" cx="${cx}" cy="${cy}" r="3"/>`)
      : []
    parts.push(`<g class="s${i}"><path class="line" d="${path}"/>${dots.join('')}</g>`)
  })
  return parts.join('\n')
}

const drawLegend = (names: readonly string[]): string =>
  names
    .map((name, i) => {
      const y = HEIGHT + LEGEND_LINE * i + 4
      const line = `<path class="line" d="M${LEFT} ${y}h28"/>`
      return `<g class="s${i}">${line}${textAt(LEFT + 36, y + 4, name)}</g>`
    })
    .join('\n')

/** Charts of the same series, side by side; `title` is read out where pictures are not seen. */
export const drawCharts = (title: string, charts: readonly Chart[]): string => {
  const names = charts[0]!.series.map(({ name }) => name)
  const width = WIDTH * charts.length
  const height = HEIGHT + LEGEND_LINE * names.length + 8
  const bodies = charts.map(
    (chart, i) => `<g transform="translate(${WIDTH * i} 0)">\n${drawChart(chart)}\n</g>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    ...bodies,
    drawLegend(names),
    '</svg>\n',
  ].join('\n')
}
