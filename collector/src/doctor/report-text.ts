import type { DoctorTensor } from '@driftline/instrumentation/contract'
import type { Advice } from './advice.ts'
import type { SeenModel } from './findings.ts'
import type { ServerRun } from './server-run.ts'

/** Features that are listed by name. */
const maxListed = 12

/** The report for a terminal. */
export function reportText(run: ServerRun, advice: readonly Advice[], command: readonly string[]): string {
  const { findings } = run
  const { server } = findings
  const lines = [`driftline doctor: ${command.join(' ')}`]
  if (server !== null) {
    lines.push(
      `  Node ${server.node}, ${server.config === null ? 'no configuration' : `configured by ${server.config}`}`,
    )
    lines.push(`  metrics would go to ${server.endpoint}; nothing was sent`)
  }
  lines.push('', 'Seen')
  const idle = [...findings.libraries.values()].filter(
    ({ name }) => !findings.models.some((one) => one.library === name),
  )
  for (const model of findings.models) lines.push(...modelLines(model).map((line) => `  ${line}`))
  for (const { name, version } of idle) lines.push(`  ${withVersion(name, version)}: loaded, no model of it`)
  for (const { method, path, requests } of findings.routes)
    lines.push(`  ${method} ${path}: ${count(requests, 'request')}`)
  if (findings.otherRequests > 0) lines.push(`  ${count(findings.otherRequests, 'request')} to other paths`)
  if (lines.at(-1) === 'Seen') lines.push('  nothing')
  for (const [kind, title] of [
    ['failure', 'What does not work'],
    ['missing', 'What is missing'],
  ] as const) {
    const some = advice.filter((one) => one.kind === kind)
    if (some.length === 0) continue
    lines.push('', title)
    for (const { text, example } of some) {
      lines.push(`  - ${text}${example === undefined ? '' : ':'}`)
      if (example !== undefined) lines.push(`      ${JSON.stringify(example)}`)
    }
  }
  if (run.reason === 'ended' && run.tail.length > 0)
    lines.push('', 'The last lines of its standard error', ...run.tail.map((line) => `  ${line}`))
  if (advice.length === 0) lines.push('', 'Everything works.')
  return `${lines.map(withoutControls).join('\n')}\n`
}

function modelLines({
  library,
  version,
  kind,
  name,
  file,
  model,
  inputs,
  outputs,
  called,
  answered,
}: SeenModel): string[] {
  const watched =
    model === null ? ', not watched: the configuration says so' : `, recorded as ${model.name} ${model.version}`
  const lines = [`${withVersion(library, version)}: ${kind} ${name}${watched}`]
  if (file !== null) lines.push(`  file ${file}`)
  for (const input of inputs ?? called?.tensors ?? []) lines.push(`  input ${describe(input)}`)
  for (const output of outputs ?? answered?.tensors ?? []) {
    const roles = Object.entries(answered?.roles ?? {}).flatMap(([role, of]) => (of === output.name ? [role] : []))
    lines.push(`  output ${describe(output)}${roles.length === 0 ? '' : `: ${roles.join(', ')}`}`)
  }
  const unnamedRoles = Object.entries(answered?.roles ?? {}).flatMap(([role, of]) => (of === null ? [role] : []))
  if ((outputs ?? answered?.tensors ?? []).length === 0 && unnamedRoles.length > 0)
    lines.push(`  answers: ${unnamedRoles.join(', ')}`)
  if (called === null) lines.push('  no call yet')
  else {
    const { features } = called
    const shown = features.slice(0, maxListed).map((feature) => `${feature.name} (${feature.kind})`)
    const more = features.length - shown.length
    const names = `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
    lines.push(
      `  ${count(features.length, 'feature')}${called.named ? '' : ', no names'}${names === '' ? '' : `: ${names}`}`,
    )
  }
  return lines
}

function describe({ name, type, shape }: DoctorTensor): string {
  const sizes = shape?.map((size, i) => size ?? (i === 0 ? 'N' : '?')).join(', ')
  return `${name} ${type}${sizes === undefined ? '' : ` [${sizes}]`}`
}

function withVersion(name: string, version: string | null): string {
  return version === null ? name : `${name} ${version}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** Names come from a model file, paths from whoever makes requests. */
function withoutControls(line: string): string {
  return line.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}
