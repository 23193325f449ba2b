import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { ExchangeQueue, maxWaiting } from '../../../src/patch/http-routes/exchange-queue.ts'

describe('ExchangeQueue', () => {
  it('works later, in order, and does everything in the end', async () => {
    const queue = new ExchangeQueue()
    const done: number[] = []
    for (let i = 0; i < 500; i++) queue.add(() => void done.push(i))
    expect(done).toEqual([])
    while (done.length < 500) await nextTurn()
    queue.add(() => void done.push(500))
    await nextTurn()
    expect(done).toEqual(Array.from({ length: 501 }, (_, i) => i))
  })

  it('gives the server its turn after work that takes long', async () => {
    const queue = new ExchangeQueue()
    const done: number[] = []
    const slow = (): void => {
      const end = performance.now() + 3
      while (performance.now() < end);
      done.push(end)
    }
    for (let i = 0; i < 3; i++) queue.add(slow)
    await nextTurn()
    expect(done.length).toBeLessThan(3)
    while (done.length < 3) await nextTurn()
  })

  it('refuses what is too much, and takes more after it has worked', () => {
    const queue = new ExchangeQueue()
    let done = 0
    const work = (): void => void done++
    for (let i = 0; i < maxWaiting; i++) expect(queue.add(work)).toBe(true)
    expect(queue.add(work)).toBe(false)
    queue.drain()
    expect(done).toBe(maxWaiting)
    expect(queue.add(work)).toBe(true)
    queue.drain()
    expect(done).toBe(maxWaiting + 1)
  })
})
