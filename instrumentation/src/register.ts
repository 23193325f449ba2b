/**
 * `node --import @driftline/instrumentation/register server.js` watches the models of a server as it is. There is nothing to import from here.
 */
import { isDisabled } from './zero-code/disabled.ts'
import { reasonAgainstNode } from './zero-code/node-version.ts'

// Switched off, it costs nothing.
if (!isDisabled(process.env)) {
  const reason = reasonAgainstNode(process.versions.node)
  if (reason === null) {
    const { watchLibraries } = await import('./zero-code/watch-libraries.ts')
    watchLibraries()
  } else {
    // What follows imports functions that this Node does not have, which would end the process.
    const { refuseNode } = await import('./zero-code/refuse-node.ts')
    refuseNode(reason)
  }
}
