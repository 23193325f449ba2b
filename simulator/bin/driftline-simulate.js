#!/usr/bin/env node
// Stands in the repository, unlike dist, so that npm can link the command before the first build; and it parses on any Node.
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(`driftline-simulate needs Node 24 or later; this is ${process.versions.node}\n`)
  process.exitCode = 1
} else {
  await import('../dist/main.js')
}
