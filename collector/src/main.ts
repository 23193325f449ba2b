import { systemClock } from './clock.ts'
import type { Io } from './cli/command.ts'
import { runDriftline } from './cli/run-driftline.ts'

// A reader that has seen enough (`driftline ... | head`) is no failure of a command that ends by itself; a server goes on without it.
let serving = false
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (!serving) process.exit(error.code === 'EPIPE' ? 0 : 1)
})
process.stderr.on('error', () => undefined)

const io: Io = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  terminal: process.stderr.isTTY,
  environment: process.env,
  directory: process.cwd(),
  clock: systemClock,
  untilStopped: () =>
    new Promise((resolve) => {
      serving = true
      process.once('SIGINT', resolve)
      process.once('SIGTERM', resolve)
    }),
}

process.exitCode = await runDriftline(process.argv.slice(2), io)
