#!/usr/bin/env node
import { systemClock } from './clock.ts'
import type { Io } from './cli/command.ts'
import { runDriftline } from './cli/run-driftline.ts'

const io: Io = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  terminal: process.stderr.isTTY,
  environment: process.env,
  directory: process.cwd(),
  clock: systemClock,
  untilStopped: () =>
    new Promise((resolve) => {
      process.once('SIGINT', resolve)
      process.once('SIGTERM', resolve)
    }),
}

// A reader that has seen enough (`driftline ... | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

process.exitCode = await runDriftline(process.argv.slice(2), io)
