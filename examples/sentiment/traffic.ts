/**
 * Sends texts to the running server: movie reviews that the model has not seen, and with `--drift` product reviews after them, which it was
 * not made for.
 *
 * usage: node traffic.ts [--url http://127.0.0.1:3001] [--rate TEXTS_PER_SECOND] [--seconds N] [--drift [--after SECONDS]]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readTexts } from './texts.ts'

const { values: options } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:3001' },
    rate: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '120' },
    drift: { type: 'boolean', default: false },
    after: { type: 'string', default: '30' },
  },
})
const [rate, seconds, after] = [options.rate, options.seconds, options.after].map(Number) as [number, number, number]
if (!(rate > 0) || !(seconds > 0) || !(after >= 0)) {
  process.stderr.write('traffic: --rate and --seconds must be above 0, and --after not below\n')
  process.exit(2)
}

/** Texts in one request. */
const batch = 10
/** A fixed order, so that two runs send the same. */
let state = 20_140_601
const random = (): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return state / 2 ** 32
}

const usual = readTexts('held-out')
const other = readTexts('product-reviews')
const start = performance.now()
let sent = 0
let drifted = false
while (performance.now() - start < seconds * 1000) {
  const now = options.drift && performance.now() - start >= after * 1000
  if (now && !drifted) process.stdout.write('traffic: product reviews from now on\n')
  drifted = now
  const source = drifted ? other : usual
  const texts = Array.from({ length: batch }, () => source[Math.floor(random() * source.length)]!.text)
  const response = await fetch(`${options.url}/classify`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ texts }),
  })
  if (!response.ok) throw new Error(`the server answered ${response.status}: ${await response.text()}`)
  await response.arrayBuffer()
  sent += batch
  await sleep(Math.max(0, start + (sent / rate) * 1000 - performance.now()))
}
process.stdout.write(`traffic: ${sent} texts sent\n`)
