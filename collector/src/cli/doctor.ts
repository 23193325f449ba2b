import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { findAdvice } from '../doctor/advice.ts'
import { firstConfig } from '../doctor/first-config.ts'
import { readGivenRequest, type GivenRequest } from '../doctor/given-request.ts'
import { reportText } from '../doctor/report-text.ts'
import { runServer } from '../doctor/server-run.ts'
import { UsageError, type Command } from './command.ts'
import { durationOption } from './duration-option.ts'

/** A collector that is there answers at once. */
const probeTimeoutMs = 2_000

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'show which models of a server would be watched, and what is missing',
  usage: `Usage: driftline doctor [options] -- COMMAND [ARGUMENT ...]

Starts a server by its usual command with Driftline inside, waits for the first model calls, ends it, and prints what was seen: libraries, models,
their inputs and outputs, routes, what is missing and what does not work. Nothing is sent anywhere.

Options:
  --request REQUEST   make a request of the server once it listens, as '[METHOD ]URL[ BODY]'; BODY is JSON or @FILE; repeatable
  --wait DURATION     how long to wait for a model call (default 20s); Ctrl-C ends it earlier
  --write FILE        write a first driftline.instrument.json with what was seen
  --force             overwrite that file
  --json              print one JSON document instead of text

The status is 0 when calls of a model were seen, and 1 otherwise.

Example:
  driftline doctor --request 'http://localhost:3000/predict {"age": 41}' --write driftline.instrument.json -- node server.js
`,
  async run(args, io) {
    const end = args.indexOf('--')
    const { values } = parseArgs({
      args: args.slice(0, end < 0 ? undefined : end),
      options: {
        request: { type: 'string', multiple: true, default: [] },
        wait: { type: 'string', default: '20s' },
        write: { type: 'string' },
        force: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    })
    const command = end < 0 ? [] : args.slice(end + 1)
    if (command.length === 0)
      throw new UsageError("give the command of the server after '--', such as -- node server.js")
    const waitMs = durationOption(values.wait, '--wait')
    const requests: GivenRequest[] = []
    for (const text of values.request) {
      const request = await readGivenRequest(text, io.directory)
      if (typeof request === 'string') throw new UsageError(`--request: ${request}`)
      requests.push(request)
    }
    const target = values.write === undefined ? null : resolve(io.directory, values.write)
    if (target !== null && existsSync(target) && !values.force)
      throw new UsageError(`--write: ${target} exists; --force overwrites it`)

    const run = await runServer({ command, register: findRegister(io.directory), waitMs, requests, io })
    const { findings } = run
    const advice = findAdvice({
      run,
      environment: io.environment,
      directory: io.directory,
      unreachable: findings.server === null ? null : await probe(findings.server.endpoint),
    })
    const config = firstConfig(findings, io.directory)
    const written = target !== null && config.models.length > 0
    if (written) await writeFile(target, `${JSON.stringify(config, null, 2)}\n`)
    if (values.json) {
      const document = {
        command,
        ended: { reason: run.reason, status: run.status, signal: run.signal },
        process: findings.server,
        libraries: [...findings.libraries.values()],
        models: findings.models,
        routes: findings.routes,
        requests: run.requests,
        advice,
        config,
        written: written ? target : null,
      }
      io.stdout(`${JSON.stringify(document)}\n`)
    } else {
      io.stdout(reportText(run, advice, command))
      if (written) io.stdout(`\n${target} was written: complete it, then run doctor again.\n`)
      else if (target !== null) io.stdout(`\n${target} was not written: there is nothing to configure.\n`)
    }
    return findings.models.some(({ called }) => called !== null) ? 0 : 1
  },
}

/** What `--import` needs: that of the server's project, which has its own version, else that of this package. */
function findRegister(directory: string): string {
  for (const place of [join(directory, 'package.json'), import.meta.url]) {
    try {
      return pathToFileURL(createRequire(place).resolve('@driftline/instrumentation/register')).href
    } catch {
      // Not installed there.
    }
  }
  throw new Error('@driftline/instrumentation is not installed: npm install @driftline/instrumentation')
}

/** Why nobody answers at an address; null when somebody does, whatever the answer. */
async function probe(endpoint: string): Promise<string | null> {
  if (!URL.canParse(endpoint)) return 'it is no URL'
  try {
    const response = await fetch(endpoint, { method: 'HEAD', signal: AbortSignal.timeout(probeTimeoutMs) })
    await response.body?.cancel()
    return null
  } catch (error) {
    const { cause, message } = error as Error
    const { code } = (cause ?? {}) as { readonly code?: unknown }
    return typeof code === 'string' ? code : message
  }
}
