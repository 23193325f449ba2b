const waiting = new Set<() => void>()

/**
 * Calls `work` whenever the process has nothing else to do. All monitors of a process share one listener: Node warns of a leak when an
 * event has more than ten, which a server with eleven models would have.
 *
 * @returns ends that
 */
export function onProcessExit(work: () => void): () => void {
  // An object of its own for each, or the same function given twice would be one.
  const own = (): void => work()
  if (waiting.size === 0) process.on('beforeExit', callAll)
  waiting.add(own)
  return () => {
    if (waiting.delete(own) && waiting.size === 0) process.off('beforeExit', callAll)
  }
}

function callAll(): void {
  for (const work of waiting) work()
}
