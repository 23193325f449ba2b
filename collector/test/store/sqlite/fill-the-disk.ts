import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts'
import { originMs, wideBlock } from '../sample-data.ts'

/**
 * A process that may not write files beyond some size: `node fill-the-disk.ts DIRECTORY`. Stores blocks until that fails, and
 * prints as JSON how many were acknowledged, how the next failed, and what queries and a further append say afterwards.
 */
const store = await openSqliteStore({ directory: process.argv[2]! })
let acknowledged = 0
const fail = async (): Promise<{ name: string; message: string }> => {
  try {
    for (;;) {
      await store.append(Array.from({ length: 20 }, (_, i) => wideBlock(acknowledged + i)))
      acknowledged += 20
    }
  } catch (error) {
    const { name, message } = error as Error
    return { name, message }
  }
}
const failure = await fail()
const again = await fail()
const [segment] = await store.totals('credit', '1', originMs, originMs + 1e9)
const [first] = segment!.totals.entries()
await store.close()
process.stdout.write(JSON.stringify({ acknowledged, failure, again, sum: first!.values[0] }))
