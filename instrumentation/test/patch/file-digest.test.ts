import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { digestBuffer, digestFile, maxDigestedBytes } from '../../src/patch/file-digest.ts'

const directory = mkdtempSync(join(tmpdir(), 'driftline-digest-'))
afterAll(() => rmSync(directory, { recursive: true }))

it('is that of the bytes, of a small file and of one that is read in pieces', async () => {
  const file = join(directory, 'model')
  writeFileSync(file, 'weights')
  expect(await digestFile(file)).toBe(`sha256:${createHash('sha256').update('weights').digest('hex')}`)
  // A hole of 65 MB takes no room on the disk.
  const size = 65 * 2 ** 20
  truncateSync(file, size)
  const bytes = Buffer.alloc(size)
  bytes.write('weights')
  expect(await digestFile(file)).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`)
  expect(await digestBuffer(bytes)).toBeNull()
})

it('is null for what cannot be read, or is too large', async () => {
  expect(await digestFile(join(directory, 'nothing'))).toBeNull()
  expect(await digestFile(directory)).toBeNull()
  const file = join(directory, 'huge')
  writeFileSync(file, '')
  truncateSync(file, maxDigestedBytes + 1)
  expect(await digestFile(file)).toBeNull()
})
