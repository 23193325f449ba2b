import { createHash } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
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

it('is that of the latest bytes of a file that is digested again and again', async () => {
  const file = join(directory, 'served')
  const other = join(directory, 'other')
  const digests: (string | null)[] = []
  for (const text of ['one', 'two', 'two', 'six']) {
    writeFileSync(other, text)
    // As models are put in place of each other: another file of the same size under the same name.
    renameSync(other, file)
    digests.push(await digestFile(file), await digestFile(file))
  }
  const expected = ['one', 'two', 'two', 'six'].flatMap((text) => {
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`
    return [digest, digest]
  })
  expect(digests).toEqual(expected)
})

it('used to read a file anew for each session of it', async () => {
  const file = join(directory, 'large')
  writeFileSync(file, '')
  truncateSync(file, 64 * 2 ** 20)
  const first = await digestFile(file)
  const start = performance.now()
  for (let i = 0; i < 200; i++) expect(await digestFile(file)).toBe(first)
  // Reading 12.5 GB takes many seconds anywhere.
  expect(performance.now() - start).toBeLessThan(2_000)
})

it('is null for what cannot be read, or is too large', async () => {
  expect(await digestFile(join(directory, 'nothing'))).toBeNull()
  expect(await digestFile(directory)).toBeNull()
  const file = join(directory, 'huge')
  writeFileSync(file, '')
  truncateSync(file, maxDigestedBytes + 1)
  expect(await digestFile(file)).toBeNull()
})
