import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasInfluxd, startInfluxd, type Influxd } from '../support/influxd.ts'
import { measurement, openSending } from './send-until-killed.ts'

/** How often the collector's side is killed; the full run of `.ci/run` asks for more. */
const kills = Number(process.env['KILLS'] ?? 25)
/** Numbers of one round; more than it can append before it is killed. */
const numbersPerRound = 100_000

describe.skipIf(!hasInfluxd)('journal and sender in front of a real InfluxDB', () => {
  let directory: string
  let influxd: Influxd

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'driftline-exactly-once-'))
    influxd = await startInfluxd()
  })
  afterAll(async () => {
    await influxd?.dispose()
    await rm(directory, { recursive: true })
  })

  it(
    `have every acknowledged point in it exactly once after ${kills} kills, while it is killed and stopped as well`,
    { timeout: 60_000 + kills * 3_000 },
    async () => {
      const baseMs = Date.now() - 3_600_000
      const acknowledged: number[] = []
      let sentBatches = 0
      let isUp = true
      for (let round = 0; round < kills; round++) {
        // Of seven rounds it is down for two and part of a third.
        if (round % 7 === 4) {
          await influxd.stop(round % 2 === 0 ? 'SIGKILL' : 'SIGTERM')
          isUp = false
        }
        const script = new URL('send-until-killed.ts', import.meta.url).pathname
        const first = String(round * numbersPerRound)
        const child = spawn(
          process.execPath,
          ['-C', '@driftline/source', script, directory, influxd.url, first, String(baseMs)],
          { stdio: ['ignore', 'pipe', 'inherit'] },
        )
        const output = createInterface({ input: child.stdout })
        const ended = Promise.all([once(output, 'close'), once(child, 'exit')])
        let tellSent = () => {}
        const sent = new Promise<void>((resolve) => {
          tellSent = resolve
        })
        await new Promise<void>((resolve, reject) => {
          output.on('line', (line) => {
            if (line === 'open') resolve()
            else if (line === 'sent') {
              sentBatches++
              tellSent()
            } else acknowledged.push(Number(line))
          })
          void ended.then(() => reject(new Error('the sending process ended before it had opened the journal')))
        })
        if (!isUp && round % 7 === 6) {
          await influxd.start()
          isUp = true
        }
        if (isUp && round % 7 === 2) {
          // In the middle of a batch, probably; the same child goes on and meets the restarted one.
          await influxd.stop('SIGKILL')
          await influxd.start()
        }
        // Every other child is killed once it is in the middle of sending, the others anywhere: the time is the point of the test.
        if (isUp && round % 2 === 0) await sent
        await new Promise((resolve) => setTimeout(resolve, (round * 13) % 60))
        child.kill('SIGKILL')
        await ended
      }
      await influxd.start()
      expect(acknowledged.length).toBeGreaterThan(kills)
      expect(sentBatches).toBeGreaterThan(kills / 4)

      const { journal, sender, close } = await openSending(directory, influxd.url)
      try {
        expect(await sender.drained(journal.lastSequence, 60_000)).toBe(true)
        expect(sender.statistics()).toMatchObject({ deadLetters: 0, held: null })
        expect(journal.statistics()).toMatchObject({ damagedRecords: 0, droppedRecords: 0, queuedRecords: 0 })
      } finally {
        await close()
      }
      const [result] = await influxd.query(`SELECT "value" FROM "driftline"."raw"."${measurement}"`)
      const values = (result!.series?.[0]?.values ?? []).map((row) => Number(row[1]))
      expect(new Set(values).size).toBe(values.length)
      const stored = new Set(values)
      expect(acknowledged.filter((number) => !stored.has(number))).toEqual([])
    },
  )
})
