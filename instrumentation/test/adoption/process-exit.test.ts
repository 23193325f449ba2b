import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { firstPollMillis } from '../../src/adoption/baseline-adoption.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'driftline-adoption-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('a process that asks for a baseline', () => {
  it('ends by itself while a collector leaves it without an answer', async () => {
    let asked = 0
    const server = createServer((request, response) => {
      if (request.url!.startsWith('/api/')) asked++
      else request.resume().on('end', () => response.writeHead(200).end())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const program = join(directory, 'program.mjs')
    writeFileSync(
      program,
      `import { createMonitor } from ${JSON.stringify(new URL('../../src/index.ts', import.meta.url).href)}
       const monitor = createMonitor({
         model: { name: 'm', version: '1' }, features: [{ name: 'x', kind: 'numeric' }], endpoint: 'http://127.0.0.1:${port}',
       })
       monitor.record({ x: 1 })
       setTimeout(() => console.log('idle'), ${firstPollMillis + 700})`,
    )
    const child = spawn(process.execPath, ['-C', '@driftline/source', program], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let idleAt = 0
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => {
        output += text.toString()
        idleAt = performance.now()
      })
    const [code] = (await once(child, 'close')) as [number | null]
    expect([code, output, asked]).toEqual([0, 'idle\n', 1])
    // The connection without an answer is given up only after 10 s.
    expect(performance.now() - idleAt).toBeLessThan(5_000)
    server.closeAllConnections()
    server.close()
  })
})
