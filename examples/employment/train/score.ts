/**
 * Writes the rows of data/<name>.csv.gz with the model's own predictions as CSV: what `driftline baseline build` and
 * `driftline backtest` read.
 *
 * usage: node train/score.ts <baseline|held-out|later-years> <out.csv>
 */
import { writeFileSync } from 'node:fs'
import { features } from '../features.ts'
import { className, openModel, predict } from '../predict.ts'
import { readRows } from '../rows.ts'

const [name, out] = process.argv.slice(2)
if ((name !== 'baseline' && name !== 'held-out' && name !== 'later-years') || out === undefined) {
  process.stderr.write('usage: node train/score.ts <baseline|held-out|later-years> <out.csv>\n')
  process.exit(2)
}

const rows = readRows(name)
const predictions = await predict(await openModel(), rows)
const lines = rows.map((row, i) => {
  const { employed, probability } = predictions[i]!
  return [
    row.id,
    row.year,
    ...features.map((feature) => row[feature]),
    className(row.employed),
    className(employed),
    probability,
  ].join(',')
})
writeFileSync(out, `${['id', 'year', ...features, 'employed', 'prediction', 'score'].join(',')}\n${lines.join('\n')}\n`)
process.stdout.write(`${out}: ${rows.length} rows\n`)
