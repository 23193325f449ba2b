import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { CollectedBody, HeldBytes, maxBodyBytes } from '../../../src/patch/http-routes/collected-body.ts'

describe('CollectedBody', () => {
  it('joins chunks, also where one ends inside a letter, and leaves out a byte order mark', () => {
    const body = new CollectedBody(new HeldBytes())
    for (const byte of Buffer.from('\ufeff{"é":1}')) body.add(Uint8Array.of(byte), false)
    expect(body.text()).toEqual({ text: '{"é":1}' })
  })

  it('keeps a copy of a buffer that may be changed', () => {
    const body = new CollectedBody(new HeldBytes())
    const bytes = Buffer.from('[1]')
    body.add(bytes, true)
    bytes.fill(0)
    expect(body.text()).toEqual({ text: '[1]' })
  })

  it('gives up beyond its bound, and gives back what it held', () => {
    const held = new HeldBytes()
    const body = new CollectedBody(held)
    body.add('x'.repeat(maxBodyBytes), false)
    expect(held.held).toBe(maxBodyBytes)
    body.add('y', false)
    body.add('z', false)
    expect(held.held).toBe(0)
    expect(body.text()).toEqual({ unreadable: `it is larger than ${maxBodyBytes} bytes` })
  })

  it('shares a bound with all other bodies', () => {
    const held = new HeldBytes(10)
    const [first, second, third] = [new CollectedBody(held), new CollectedBody(held), new CollectedBody(held)]
    first.add('12345678', false)
    second.add('123', false)
    expect(second.text()).toEqual({ unreadable: 'too many bodies are being read at once' })
    first.giveUp('done')
    first.giveUp('done again')
    first.add('12345', false)
    expect(held.held).toBe(0)
    third.add('1234567890', false)
    expect(third.text()).toEqual({ text: '1234567890' })
  })

  it('holds what it decompressed instead of what came', async () => {
    const held = new HeldBytes()
    const body = new CollectedBody(held)
    const text = 'x'.repeat(10_000)
    body.add(gzipSync(text), false)
    expect(body.isCompressed(' GZIP ')).toBe(true)
    expect(body.isCompressed('identity')).toBe(false)
    await new Promise<void>((resolve) => body.decompress(' GZIP ', resolve))
    expect(body.text()).toEqual({ text })
    expect(held.held).toBe(10_000)
  })
})
