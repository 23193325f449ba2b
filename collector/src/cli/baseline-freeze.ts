import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { parseBaseline } from '@driftline/instrumentation/contract'
import { baselineJson } from '../baseline/baseline-json.ts'
import { baselineText, summariseBaseline } from '../baseline/summarise-baseline.ts'
import { UsageError, type Command } from './command.ts'

const defaultUrl = 'http://127.0.0.1:4318'

/** Summing up days of data takes seconds. */
const answerTimeoutMs = 300_000

export const baselineFreezeCommand: Command = {
  name: 'baseline freeze',
  summary: 'make a baseline of what a model was asked in production',
  usage: `Usage: driftline baseline freeze --model NAME --version VERSION [options]

Asks a running collector to make a baseline of the data that it has of a model version, and prints what was frozen. It judges later data from
then on; recorders without a baseline of their own take it up.

Options:
  --model NAME        as the server sends it
  --version VERSION
  --url URL           of the collector (default ${defaultUrl}); its admin token is read from DRIFTLINE_ADMIN_TOKEN
  --replace           although there is a baseline already: of the data of the last hours (learn.hours of the collector, 24)
  --out FILE          also write it as baseline.json
  --json              print one JSON document instead of a summary
`,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        model: { type: 'string' },
        version: { type: 'string' },
        url: { type: 'string', default: defaultUrl },
        replace: { type: 'boolean', default: false },
        out: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    const { model, version, url, replace } = values
    if (!model || !version) throw new UsageError('--model and --version are needed')
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new UsageError(`--url: expected an http or https URL, got '${url}'`)
    const address = `${url.replace(/\/+$/, '')}/api/v1/models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}/baseline/freeze`
    const answer = await ask(address, replace, io.environment.DRIFTLINE_ADMIN_TOKEN)
    const baseline = parseBaseline(answer.baseline)
    if (values.out !== undefined) await writeFile(resolve(io.directory, values.out), baselineJson(baseline))
    const summary = summariseBaseline(baseline)
    io.stdout(values.json ? `${JSON.stringify({ ...summary, notes: answer.notes })}\n` : baselineText(summary))
    for (const note of answer.notes) io.stderr(`note: ${note}\n`)
    return 0
  },
}

async function ask(
  address: string,
  replace: boolean,
  token: string | undefined,
): Promise<{ baseline: unknown; notes: readonly string[] }> {
  let response: Response
  try {
    response = await fetch(address, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ replace }),
      signal: AbortSignal.timeout(answerTimeoutMs),
    })
  } catch (error) {
    const { cause } = error as { cause?: unknown }
    const why = cause instanceof Error ? cause.message : error instanceof Error ? error.message : String(error)
    throw new Error(`no collector answers at ${new URL(address).origin}: ${why}`, { cause: error })
  }
  const answer = (await response.json().catch(() => ({}))) as {
    readonly error?: { readonly message?: string }
    readonly baseline?: unknown
    readonly notes?: readonly string[]
  }
  if (!response.ok) {
    const message = answer.error?.message ?? `the collector answered ${response.status}`
    if (response.status === 401) throw new Error(`${message}; set DRIFTLINE_ADMIN_TOKEN`)
    throw new Error(message.replace('ask to replace it', '--replace freezes a new one'))
  }
  return { baseline: answer.baseline, notes: answer.notes ?? [] }
}
