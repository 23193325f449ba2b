import { writeSync } from 'node:fs'
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts'
import { wideBlock } from '../sample-data.ts'

/**
 * A process to be killed: `node append-until-killed.ts DIRECTORY FIRST` stores one block per second of event time from FIRST
 * on, several calls at a time, and prints the second of each block once it is acknowledged.
 */
const [directory, first] = process.argv.slice(2)
const store = await openSqliteStore({ directory: directory! })
let next = Number(first)
writeSync(1, 'open\n')

async function appendForEver(): Promise<never> {
  for (;;) {
    const second = next++
    await store.append([wideBlock(second)])
    writeSync(1, `${second}\n`)
  }
}
await Promise.all(Array.from({ length: 8 }, appendForEver))
