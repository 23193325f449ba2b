import { describe, expect, it } from 'vitest'
import { reasonAgainstNode } from '../../src/zero-code/node-version.ts'

describe('reasonAgainstNode', () => {
  it.each(['22.15.0', '22.23.3', '23.0.0', '24.1.0', '26.10.0-nightly'])('takes %s', (version) => {
    expect(reasonAgainstNode(version)).toBeNull()
  })

  it.each(['22.14.9', '20.20.2', '18.19.0'])('refuses %s, under which the import used to end the server', (version) => {
    expect(reasonAgainstNode(version)).toBe(`Node ${version} is too old: 22.15 or later is needed`)
  })
})
