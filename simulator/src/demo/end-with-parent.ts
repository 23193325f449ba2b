import process from 'node:process'

/**
 * Preloaded into the processes that the demo starts: when the demo dies without a word, its channel to them closes and they end as if they
 * had been asked to. Otherwise a killed demo would leave a collector that holds the port and the data.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
// The channel alone shall not keep a process alive that has nothing else to do.
process.channel?.unref()
