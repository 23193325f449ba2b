import http from 'node:http'
import net from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { HeldBytes } from '../../../src/patch/http-routes/collected-body.ts'
import { watchExchange } from '../../../src/patch/http-routes/node-http.ts'

it('put members of its own into what loggers and { ...response } list', () => {
  const request = new http.IncomingMessage(new net.Socket())
  const response = new http.ServerResponse(request)
  // Another library's, which was listed before.
  const write = (): boolean => true
  Object.assign(response, { write })
  const before = [Object.keys(request), Object.keys(response)]
  watchExchange(request, response, { held: new HeldBytes(), readResponse: true, onClose() {}, onError() {} })
  expect([Object.keys(request), Object.keys(response)]).toEqual(before)
  expect(before[1]).toContain('write')
  // What the server assigns itself is there as ever.
  const end = (): typeof response => response
  response.end = end
  expect(response.end).toBe(end)
})

it('gives back what it holds of answers that end without an event, as pipelined ones do in Node 22', async () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const held = new HeldBytes()
  const watchAndForget = (): void => {
    const request = new http.IncomingMessage(new net.Socket())
    const response = new http.ServerResponse(request)
    watchExchange(request, response, {
      held,
      readResponse: true,
      onClose: () => {
        throw new Error('it was closed')
      },
      onError: (error) => {
        throw error
      },
    })
    request.push(Buffer.from('body'))
    response.write('[1,2]')
  }
  for (let i = 0; i < 10; i++) watchAndForget()
  expect(held.held).toBe(10 * (4 + 5))
  for (let i = 0; i < 100 && held.held > 0; i++) {
    collectGarbage()
    await nextTurn()
  }
  expect(held.held).toBe(0)
})
