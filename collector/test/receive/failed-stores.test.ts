import { expect, it } from 'vitest'
import { FailedStores } from '../../src/receive/failed-stores.ts'
import { StoreUnavailableError } from '../../src/store/store.ts'
import { manualClock } from '../support/manual-clock.ts'

it('said nothing of a full disk while every sender was asked to send again', () => {
  const clock = manualClock(0)
  const log: string[] = []
  const failures = new FailedStores({ clock, log: (line) => log.push(line) })
  const full = new StoreUnavailableError('no space left on device')
  for (let second = 0; second < 150; second++) {
    failures.add(full)
    clock.advance(1000)
  }
  expect(log).toEqual(
    ['1 request', '60 requests', '60 requests'].map(
      (requests) =>
        `received data could not be stored (${requests}); senders were asked to send it again: no space left on device`,
    ),
  )
})
