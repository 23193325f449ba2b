import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

function simulate(...argv: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['-C', '@driftline/source', main, ...argv], { encoding: 'utf8' })
}

describe('driftline-simulate', () => {
  it('prints help and exits 0', () => {
    const { status, stdout } = simulate('demo', '--help')
    expect([status, stdout]).toEqual([0, expect.stringContaining('usage: driftline-simulate demo')])
  })

  it.each([[['demo', '--rate', 'fast']], [['demo', '--nonsense']], [['dmeo']], [[]]])(
    'answers %j with usage on stderr and exit code 2',
    (argv) => {
      const { status, stdout, stderr } = simulate(...argv)
      expect(status).toBe(2)
      expect(stdout).toBe('')
      expect(stderr).toContain('usage: driftline-simulate demo')
    },
  )
})
