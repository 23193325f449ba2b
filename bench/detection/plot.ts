import { horizons, windowSizes } from './cases.ts'
import type { StatisticName } from './rules.ts'
import type { DetectionFigure } from './simulate.ts'

interface Line {
  readonly label: string
  readonly colour: string
  readonly width: number
  readonly dash: string
  readonly statistic: StatisticName | 'ours'
}

/** Colours that stay apart for colour-blind readers (Okabe, Ito 2008), and dashes for print. */
const lines: readonly Line[] = [
  { label: 'Driftline', colour: '#d55e00', width: 3, dash: '', statistic: 'ours' },
  { label: 'KS test', colour: '#0072b2', width: 1.5, dash: '', statistic: 'ks' },
  { label: 'χ² test', colour: '#009e73', width: 1.5, dash: '6 3', statistic: 'chi-square' },
  { label: 'PSI', colour: '#cc79a7', width: 1.5, dash: '2 3', statistic: 'psi' },
  { label: 'Wasserstein', colour: '#56b4e9', width: 1.5, dash: '8 3 2 3', statistic: 'wasserstein' },
  { label: 'JS distance', colour: '#444444', width: 1.5, dash: '4 2', statistic: 'jensen-shannon' },
]

const panels: readonly string[] = [
  'mean +0.1 sd',
  'mean +0.2 sd',
  'sd × 1.1',
  '2 % tail at +5 sd',
  'bimodal, same mean and sd',
  '50 categories, one 10 → 15 %',
]

const columns = 3
const panelWidth = 300
const panelHeight = 240
const margin = { left: 52, right: 14, top: 30, bottom: 38 }
const header = 76
const mostWindows = 1000

/** Delay against window size, both on logarithmic scales, a panel per change. */
export function plotDelays(figures: readonly DetectionFigure[], caption: string): string {
  const rows = Math.ceil(panels.length / columns)
  const width = columns * panelWidth
  const height = header + rows * panelHeight
  const body = panels.map((name, i) => {
    const own = figures.filter((figure) => figure.name === name)
    const x = (i % columns) * panelWidth
    const y = header + Math.floor(i / columns) * panelHeight
    return `<g transform="translate(${x} ${y})">${panel(name, own)}</g>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11" role="img" aria-label="Detection delay against window size">
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="${margin.left}" y="20" font-size="15" font-weight="bold">Windows until a change is found, by rows of a window</text>
<text x="${margin.left}" y="38" fill="#555555">${escape(caption)}</text>
${legend(width)}
${body.join('\n')}
</svg>
`
}

function legend(width: number): string {
  const step = (width - 2 * margin.left) / (lines.length + 1)
  const entries = lines.map(({ label, colour, width: stroke, dash }, i) => {
    const x = margin.left + i * step
    return `<line x1="${x}" x2="${x + 26}" y1="58" y2="58" stroke="${colour}" stroke-width="${stroke}" stroke-dasharray="${dash}"/><text x="${x + 32}" y="62">${label}</text>`
  })
  const x = margin.left + lines.length * step
  return `${entries.join('')}${hollow(x + 6, 58, '#444444')}<text x="${x + 16}" y="62">not within the horizon</text>`
}

function panel(name: string, figures: readonly DetectionFigure[]): string {
  const left = margin.left
  const right = panelWidth - margin.right
  const top = margin.top
  const bottom = panelHeight - margin.bottom
  const scale = (value: number, low: number, high: number): number =>
    (Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low))
  const first = windowSizes[0]
  const last = windowSizes[windowSizes.length - 1]!
  const x = (size: number): number => round(left + 8 + scale(size, first, last) * (right - left - 16))
  const y = (windows: number): number => round(bottom - 6 - scale(windows, 1, mostWindows) * (bottom - top - 6))
  const grid = [1, 10, 100, 1000].map(
    (windows) =>
      `<line x1="${left}" x2="${right}" y1="${y(windows)}" y2="${y(windows)}" stroke="#dddddd"/><text x="${left - 6}" y="${y(windows) + 4}" text-anchor="end">${windows}</text>`,
  )
  const sizes = windowSizes.map((size) => `<text x="${x(size)}" y="${bottom + 14}" text-anchor="middle">${size}</text>`)
  // Ours last, so that it lies on top.
  const drawn = lines.toReversed().map((line) => {
    const points = windowSizes.flatMap((size) => {
      const figure = figures.find(({ windowRows }) => windowRows === size)
      const delay =
        line.statistic === 'ours'
          ? figure?.ours
          : figure?.calibrated.find(({ statistic }) => statistic === line.statistic)?.atOurRate
      if (delay === undefined || delay === null) return []
      const horizon = horizons[size]!
      return [{ x: x(size), y: y(Math.min(delay.median, horizon)), found: delay.median <= horizon }]
    })
    if (points.length === 0) return ''
    const path = points.map((point) => `${point.x},${point.y}`).join(' ')
    const marks = points.map((point) =>
      point.found
        ? `<circle cx="${point.x}" cy="${point.y}" r="${line.width + 1}" fill="${line.colour}"/>`
        : hollow(point.x, point.y, line.colour),
    )
    return `<polyline points="${path}" fill="none" stroke="${line.colour}" stroke-width="${line.width}" stroke-dasharray="${line.dash}"/>${marks.join('')}`
  })
  return `<text x="${left}" y="${top - 10}" font-size="13" font-weight="bold">${escape(name)}</text>${grid.join('')}${sizes.join('')}${drawn.join('')}<text x="${(left + right) / 2}" y="${bottom + 30}" text-anchor="middle" fill="#555555">rows of a window</text>`
}

function hollow(x: number, y: number, colour: string): string {
  return `<circle cx="${x}" cy="${y}" r="4" fill="#ffffff" stroke="${colour}" stroke-width="1.5"/>`
}

const round = (value: number): number => Math.round(value * 10) / 10

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
