import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DoctorBody, DoctorMember } from '../contract/doctor-lines.ts'
import { HeldBytes, type CollectedBody } from '../patch/http-routes/collected-body.ts'
import { watchExchange, type Exchange } from '../patch/http-routes/node-http.ts'
import type { Doctor } from './doctor.ts'

/** Requests whose bodies are looked at; what routes there are shows early. */
const maxExchanges = 200

/** Members of a row that are told. */
const maxMembers = 1_000

/** Tells `driftline doctor` which routes requests come to, and of JSON bodies where their rows are and what members these have: no values. */
export function watchRequests(doctor: Doctor): void {
  const held = new HeldBytes()
  const described = new Set<string>()
  let exchanges = 0
  // An error thrown here would end the process.
  subscribe('http.server.request.start', (message: unknown) => {
    try {
      const { request, response } = message as { readonly request: IncomingMessage; readonly response: ServerResponse }
      const method = request.method ?? 'GET'
      const path = (request.url ?? '/').replace(/[?#].*$/s, '')
      doctor.tell({ event: 'request', method, path }, true)
      const route = `${method} ${path}`
      if (method === 'GET' || described.has(route) || ++exchanges > maxExchanges) return
      watchExchange(request, response, {
        held,
        readResponse: true,
        onError: () => undefined,
        onClose: (exchange) => {
          const bodies = describeExchange(exchange)
          if (bodies === null || described.has(route)) return
          described.add(route)
          doctor.tell({ event: 'bodies', method, path, ...bodies })
        },
      })
    } catch {
      // This route is not suggested.
    }
  })
}

function describeExchange({
  status,
  request,
  response,
}: Exchange): { readonly request: DoctorBody; readonly response: DoctorBody } | null {
  try {
    if (status === null || status < 200 || status >= 300 || response === null) return null
    const [asked, answered] = [parse(request), parse(response)]
    return asked === undefined || answered === undefined
      ? null
      : { request: describeBody(asked), response: describeBody(answered) }
  } finally {
    request.giveUp('it was released')
    response?.giveUp('it was released')
  }
}

function parse(body: CollectedBody): unknown {
  const text = body.text()
  if ('unreadable' in text) return undefined
  try {
    return JSON.parse(text.text) as unknown
  } catch {
    return undefined
  }
}

/** Rows are the elements of the body, or of its first member that is an array of objects or arrays; else the body is one row. */
export function describeBody(body: unknown): DoctorBody {
  if (Array.isArray(body)) {
    return body.some(isContainer) ? { rows: '$[*]', members: membersOf(body[0]) } : { rows: '$', members: null }
  }
  if (!isContainer(body)) return { rows: '$', members: null }
  for (const [name, value] of Object.entries(body)) {
    if (Array.isArray(value) && value.length > 0 && value.every(isContainer))
      return { rows: `$${memberPath(name)}[*]`, members: membersOf(value[0]) }
  }
  return { rows: '$', members: membersOf(body) }
}

function memberPath(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `['${name.replaceAll(/['\\]/g, String.raw`\$&`)}']`
}

function membersOf(row: unknown): readonly DoctorMember[] | null {
  if (!isContainer(row) || Array.isArray(row)) return null
  return Object.entries(row)
    .slice(0, maxMembers)
    .map(([name, value]) => {
      if (typeof value === 'number') return { name, type: 'number', withinOne: value >= 0 && value <= 1 }
      if (typeof value === 'string' || typeof value === 'boolean') return { name, type: typeof value as 'string' }
      return { name, type: value === null ? 'null' : Array.isArray(value) ? 'array' : 'object' }
    })
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
