import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/clock.ts'
import { openDeadLetters } from '../../src/journal/dead-letters.ts'
import { openJournal, type Journal } from '../../src/journal/journal.ts'
import { startSender, type Sender } from '../../src/journal/sender.ts'
import { BlockIndex } from '../../src/store/influx/block-index.ts'
import { encodeLinesRecord, recordKinds } from '../../src/store/influx/block-record.ts'
import { initInflux } from '../../src/store/influx/init-influx.ts'
import { InfluxServer } from '../../src/store/influx/influx-server.ts'
import { defaultInfluxSettings, retentionPolicies } from '../../src/store/influx/influx-settings.ts'
import { createWriteDestination } from '../../src/store/influx/write-destination.ts'

export const measurement = 'exactly_once'

/** The journal in a directory, and what brings it to an InfluxDB. */
export async function openSending(
  directory: string,
  url: string,
  beforeCommit: (throughSequence: number) => Promise<void> = () => Promise.resolve(),
): Promise<{ readonly journal: Journal; readonly sender: Sender; close(): Promise<void> }> {
  const journal = await openJournal({
    directory: join(directory, 'journal'),
    limits: { segmentBytes: 50_000 },
    clock: systemClock,
    log: () => {},
  })
  const deadLetters = await openDeadLetters({ directory, now: systemClock.now })
  const index = new BlockIndex({ file: join(directory, 'index.sqlite'), instanceNames: [], instanceSlots: 1 })
  const server = new InfluxServer({ ...defaultInfluxSettings, url }, systemClock)
  const destination = createWriteDestination({
    server,
    index,
    prepare: async () => void (await initInflux(server)),
  })
  const sender = startSender({ journal, destination, deadLetters, clock: systemClock, log: () => {}, beforeCommit })
  return {
    journal,
    sender,
    async close() {
      await sender.close()
      destination.close()
      await deadLetters.close()
      await journal.close()
      index.close()
    },
  }
}

/**
 * A process to be killed: `node send-until-killed.ts DIRECTORY URL FIRST BASE_MS` appends points numbered from FIRST on, each at its own
 * microsecond behind BASE_MS, sends them at the same time, and prints each number once it is acknowledged, and `sent` before each commit.
 */
if (import.meta.main) {
  const [directory, url, first, baseMs] = process.argv.slice(2)
  const { journal } = await openSending(directory!, url!, async () => void writeSync(1, 'sent\n'))
  let next = Number(first)
  writeSync(1, 'open\n')
  const appendForEver = async (): Promise<never> => {
    for (;;) {
      const numbers = Array.from({ length: 1 + (next % 5) }, () => next++)
      const lines = numbers.map(
        (number) =>
          `${measurement},shard=${number % 3} value=${number} ${BigInt(baseMs!) * 1_000_000n + BigInt(number) * 1_000n}`,
      )
      await journal.append([encodeLinesRecord(retentionPolicies.raw, lines)], recordKinds.lines)
      writeSync(1, numbers.map((number) => `${number}\n`).join(''))
    }
  }
  await Promise.all(Array.from({ length: 4 }, appendForEver))
}
