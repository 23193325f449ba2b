import { afterEach, describe, expect, it } from 'vitest'
import { WorkerClient } from '../../../src/store/sqlite/worker-client.ts'
import { StoreUnavailableError } from '../../../src/store/store.ts'

type Methods = { readonly [name in 'echo' | 'fail' | 'exit' | 'throw' | 'wait']: (argument: string) => string }

describe('WorkerClient', () => {
  let client: WorkerClient<Methods>
  const start = (file = './dying-worker.ts') => {
    client = new WorkerClient<Methods>(new URL(file, import.meta.url), 'writer', null)
    return client
  }
  afterEach(() => client.terminate())

  it('gives each call its own answer', async () => {
    start()
    const answers = [client.call('echo', 'a'), client.call('fail', 'b'), client.call('echo', 'c')]
    expect(await answers[0]).toBe('a')
    await expect(answers[1]).rejects.toThrow(new StoreUnavailableError('cannot: b'))
    expect(await answers[2]).toBe('c')
  })

  it.each([
    ['exit', 'exit code 3'],
    ['throw', 'out of luck'],
  ] as const)('rejects open and later calls when the worker dies (%s)', async (how, cause) => {
    start()
    const open = client.call('wait', '')
    await expect(client.call(how, '')).rejects.toThrow(cause)
    await expect(open).rejects.toThrow(StoreUnavailableError)
    await expect(client.call('echo', 'a')).rejects.toThrow(`the writer thread of the store is gone: `)
    await expect(client.call('echo', 'a')).rejects.toThrow(cause)
  })

  it('rejects when the worker cannot start', async () => {
    start('./no-such-worker.ts')
    await expect(client.call('echo', 'a')).rejects.toThrow(StoreUnavailableError)
  })

  it('rejects a call that cannot be sent and goes on', async () => {
    start()
    await expect(client.call('echo', (() => '') as never)).rejects.toThrow('could not be cloned')
    expect(await client.call('echo', 'a')).toBe('a')
  })
})
