import { describe, expect, it } from 'vitest'
import { demoHelp, parseDemoArguments } from '../../src/demo/options.ts'
import { drifts } from '../../src/drift/drifts.ts'

function problems(...argv: string[]): readonly string[] {
  const parsed = parseDemoArguments(argv)
  return parsed.kind === 'wrong' ? parsed.problems : []
}

describe('parseDemoArguments', () => {
  it('has defaults for everything', () => {
    expect(parseDemoArguments([])).toMatchObject({
      kind: 'run',
      options: {
        rate: 400,
        drift: { name: 'age-in-months' },
        driftAfter: 30,
        outcomes: 0.8,
        port: 4318,
        dataDirectory: null,
        duration: null,
        seed: 1,
        json: false,
      },
    })
  })

  it('reads every option', () => {
    const argv =
      '--rate 50.5 --drift none --drift-after 0 --outcomes 0.5 --port 0 --data-dir d --duration 600 --seed 9 --json'.split(
        ' ',
      )
    expect(parseDemoArguments(argv)).toMatchObject({
      kind: 'run',
      options: {
        rate: 50.5,
        drift: { name: 'none' },
        driftAfter: 0,
        outcomes: 0.5,
        port: 0,
        dataDirectory: 'd',
        duration: 600,
        seed: 9,
        json: true,
      },
    })
  })

  it('reports every problem at once, naming the option', () => {
    const found = problems(
      '--rate',
      'fast',
      '--drift',
      'nonne',
      '--port',
      '70000',
      '--duration',
      '0',
      '--drift-after=-1',
      '--outcomes',
      '80',
      '--seed',
      '1.5',
      '--data-dir',
      '',
    )
    expect(found).toHaveLength(8)
    for (const name of [
      '--rate',
      '--drift:',
      '--port',
      '--duration',
      '--drift-after',
      '--outcomes',
      '--seed',
      '--data-dir',
    ]) {
      expect(found.some((problem) => problem.startsWith(name))).toBe(true)
    }
  })

  it.each([
    [['--speed', '9']],
    [['extra']],
    [['--rate']],
    [['--rate', '']],
    [['--rate', 'Infinity']],
    [['--rate', '0']],
  ])('refuses %j', (argv) => {
    expect(problems(...argv)).toHaveLength(1)
  })

  it('helps, with every drift by name', () => {
    expect(parseDemoArguments(['--help'])).toEqual({ kind: 'help' })
    for (const { name } of drifts) expect(demoHelp).toContain(name)
  })
})
