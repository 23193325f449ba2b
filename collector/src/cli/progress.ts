import type { Io } from './command.ts'

/** Time between two updates: often enough to see it live, seldom enough to cost nothing. */
const updateMillis = 200

export interface Progress {
  /** `share` is 0 to 1 of the whole work. */
  update(share: number, text: string): void
  /** Removes the line. */
  clear(): void
}

/** A line on stderr that is written over again and again; nothing when nobody looks. */
export function startProgress(io: Io): Progress {
  let last = -Infinity
  let shown = false
  return {
    update(share, text) {
      const now = io.clock.now()
      if (!io.terminal || now - last < updateMillis) return
      last = now
      shown = true
      io.stderr(`\r\u001b[K${String(Math.floor(share * 100)).padStart(3)} %  ${text}`)
    },
    clear() {
      if (shown) io.stderr('\r\u001b[K')
      shown = false
    },
  }
}
