import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { Child, ChildFailure } from '../../src/demo/child.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'driftline-child-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function script(text: string): string {
  const path = join(directory, 'script.mjs')
  writeFileSync(path, text)
  return path
}

function start(text: string, environment: Record<string, string> = {}): ReturnType<typeof Child.start> {
  return Child.start({
    name: 'helper',
    script: script(text),
    arguments: ['x'],
    environment,
    ready: /ready (\S+)/,
    clock: systemClock,
  })
}

describe('Child', () => {
  it('waits for the line that says ready, then ends when asked', async () => {
    const { child, ready } = await start(
      `
      console.log('warming up')
      console.log('ready ' + process.argv[2] + process.env.GREETING)
      const alive = setInterval(() => {}, 1000)
      process.on('SIGTERM', () => clearInterval(alive))
    `,
      { GREETING: 'hello' },
    )
    expect(ready).toBe('xhello')
    expect(child.died).toBe(false)
    await child.stop(20_000)
    expect(child.died).toBe(false)
  })

  it('hands settings of its own down, but none meant for another collector or server', async () => {
    process.env['DRIFTLINE_PORT'] = '1'
    process.env['OTEL_EXPORTER_OTLP_HEADERS'] = 'a=b'
    try {
      const { child, ready } = await start(
        `
        console.log('ready ' + Object.keys(process.env).filter((name) => /^(OTEL|DRIFTLINE)_/.test(name)).join())
        setInterval(() => {}, 1000)
      `,
        { OTEL_SERVICE_NAME: 's' },
      )
      await child.stop(0)
      expect(ready).toBe('OTEL_SERVICE_NAME')
    } finally {
      delete process.env['DRIFTLINE_PORT']
      delete process.env['OTEL_EXPORTER_OTLP_HEADERS']
    }
  })

  it('passes on what a process said that did not start', async () => {
    const failure = start(`console.error('port 4318 is in use'); process.exit(1)`)
    await expect(failure).rejects.toThrow(ChildFailure)
    await expect(failure).rejects.toThrow(/^port 4318 is in use$/)
  })

  it('says how a process ended that said nothing', async () => {
    await expect(start('process.exit(3)')).rejects.toThrow('the helper ended with exit code 3')
  })

  it('notices a process that dies later', async () => {
    const { child } = await start(`
      console.log('ready now')
      setTimeout(() => { console.error('out of luck'); process.exit(7) }, 20)
    `)
    await child.exited
    expect(child.died).toBe(true)
    expect([child.lastWords, child.howItEnded]).toEqual(['out of luck', 'exit code 7'])
  })

  it('ends a process by force that does not want to end', async () => {
    const { child } = await start(`
      process.on('SIGTERM', () => {})
      console.log('ready now')
      setInterval(() => {}, 1000)
    `)
    await child.stop(50)
    expect(child.howItEnded).toBe('SIGKILL')
  })

  it('ends when the process that started it is killed', async () => {
    const childModule = fileURLToPath(new URL('../../src/demo/child.ts', import.meta.url))
    const clockModule = fileURLToPath(new URL('../../src/clock.ts', import.meta.url))
    const farewell = join(directory, 'farewell')
    const grandchild = script(`
      import { writeFileSync } from 'node:fs'
      process.on('SIGTERM', () => {
        writeFileSync(${JSON.stringify(farewell)}, '')
        process.exit()
      })
      console.log('ready now')
      setInterval(() => {}, 1000)
    `)
    const parentScript = join(directory, 'parent.mjs')
    writeFileSync(
      parentScript,
      `import { Child } from ${JSON.stringify(childModule)}
       import { systemClock } from ${JSON.stringify(clockModule)}
       const { ready } = await Child.start({ name: 'grandchild', script: ${JSON.stringify(grandchild)}, arguments: [], environment: {}, ready: /ready (.*)/, clock: systemClock })
       process.stdout.write(ready)`,
    )
    const parent = spawn(process.execPath, [parentScript], { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((resolve) => parent.stdout.once('data', resolve))
    parent.kill('SIGKILL')
    for (let i = 0; i < 200 && !existsSync(farewell); i++) await new Promise((resolve) => setTimeout(resolve, 50))
    expect(existsSync(farewell)).toBe(true)
  })
})
