/**
 * Lets the model classify the texts of data/<name>.csv.gz, and writes as CSV what zero-code instrumentation records of it: a row of text
 * statistics for each text, the class and the score. That is what `driftline baseline build` and `driftline backtest` read.
 *
 * usage: node train/score.ts <baseline|held-out|product-reviews> <out.csv>
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
// The package has no such export: an application is instrumented by a flag, not by a call. This script wants the rows themselves.
import { patchTransformers } from '../../../instrumentation/src/patch/transformers.ts'
import { features } from './features.ts'
import { readTexts } from '../texts.ts'

const [name, out] = process.argv.slice(2)
if ((name !== 'baseline' && name !== 'held-out' && name !== 'product-reviews') || out === undefined) {
  process.stderr.write('usage: node train/score.ts <baseline|held-out|product-reviews> <out.csv>\n')
  process.exit(2)
}

/** Texts in one call. */
const batch = 50

const recorded: { row: Readonly<Record<string, unknown>>; class: unknown; score: unknown }[] = []
const names = features.map((feature) => feature.name)
patchTransformers({
  sight: () => ({
    model: 'sentiment',
    declared: { features: names, positiveClass: 'positive' },
    begin: () => null,
    record(rows, { classes, scores }) {
      for (const [i, row] of rows.entries()) {
        recorded.push({ row: row as Readonly<Record<string, unknown>>, class: classes?.[i], score: scores?.[i] })
      }
    },
    duration: () => undefined,
    drop(reason, _rows, detail) {
      throw new Error(`${reason}: ${detail}`)
    },
  }),
  patched: () => undefined,
  warn(kind, subject, reason) {
    throw new Error(`${kind}: ${subject}: ${reason}`)
  },
})

const { env, pipeline } = await import('@huggingface/transformers')
env.allowRemoteModels = false
const model = fileURLToPath(new URL('../model', import.meta.url))
const classify = await pipeline('text-classification', model, { dtype: 'fp32' })

const texts = readTexts(name)
for (let start = 0; start < texts.length; start += batch) {
  await classify(texts.slice(start, start + batch).map(({ text }) => text))
}
if (recorded.length !== texts.length) throw new Error(`${recorded.length} of ${texts.length} texts were recorded`)

const lines = recorded.map(({ row, class: predicted, score }, i) =>
  [...names.map((name) => row[name]), texts[i]!.positive ? 'positive' : 'negative', predicted, score].join(','),
)
writeFileSync(out, `${[...names, 'sentiment', 'prediction', 'score'].join(',')}\n${lines.join('\n')}\n`)
process.stdout.write(`${out}: ${lines.length} rows\n`)
