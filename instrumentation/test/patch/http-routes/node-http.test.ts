import http from 'node:http'
import net from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { HeldBytes } from '../../../src/patch/http-routes/collected-body.ts'
import { watchExchange } from '../../../src/patch/http-routes/node-http.ts'

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
