import { writeSync } from 'node:fs'
import { systemClock } from '../../src/clock.ts'
import { JournalUnavailableError, openJournal } from '../../src/journal/journal.ts'
import { payloadOf } from './payloads.ts'

/**
 * A process to be killed, or to run into a limit on the size of its files: `node append-until-killed.ts DIRECTORY FIRST SEGMENT_BYTES`
 * appends records numbered from FIRST on, several calls at a time, and prints `number sequence` for each once it is acknowledged.
 * It ends by itself when an append is refused, after printing `refused`.
 */
const [directory, first, segmentBytes] = process.argv.slice(2)
const journal = await openJournal({
  directory: directory!,
  limits: { segmentBytes: Number(segmentBytes) },
  clock: systemClock,
  log: () => {},
})
let next = Number(first)
let refused = false
writeSync(1, 'open\n')

async function appendForEver(): Promise<void> {
  while (!refused) {
    const numbers = Array.from({ length: 1 + (next % 3) }, () => next++)
    try {
      const { firstSequence } = await journal.append(numbers.map(payloadOf))
      writeSync(1, numbers.map((number, i) => `${number} ${firstSequence + i}\n`).join(''))
    } catch (error) {
      if (!(error instanceof JournalUnavailableError)) throw error
      refused = true
    }
  }
}
await Promise.all(Array.from({ length: 6 }, appendForEver))
writeSync(1, 'refused\n')
