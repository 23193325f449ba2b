/**
 * `node --import @driftline/instrumentation/register server.js` watches the models of a server as it is. There is nothing to import from here.
 */
import { isDisabled } from './zero-code/disabled.ts'

// Switched off, it costs nothing.
if (!isDisabled(process.env)) {
  const { watchLibraries } = await import('./zero-code/watch-libraries.ts')
  watchLibraries()
}
