import { Agent, request, type ClientRequest } from 'node:http'

export interface TrafficClientOptions {
  /** Where items are sent: `http://127.0.0.1:3000/predict`. */
  readonly url: string
  /** The member of a request's body that holds them; default: `rows`. */
  readonly member?: string
  /** Connections kept open; requests beyond them wait in line. */
  readonly connections?: number
}

export interface TrafficCounts {
  /** Rows (or what else a client sends) whose request was written, answered with 200, and answered otherwise or not at all. */
  readonly sent: number
  readonly answered: number
  readonly failed: number
  /** Rows not sent because too many requests were unanswered. */
  readonly skipped: number
  /** The last failure in words; null when there was none. */
  readonly lastFailure: string | null
}

const defaultConnections = 8
/** Unanswered requests at which rows are skipped, so that a hanging server cannot fill the memory. */
const maximumPending = 256
const requestTimeoutMs = 10_000

interface Posted {
  readonly body: string
  readonly items: number
  readonly onStatus: (status: number) => void
}

/** Posts batches of rows, or of what becomes of them, over kept-alive connections and counts what became of them. */
export class TrafficClient {
  readonly #url: URL
  readonly #member: string
  readonly #agent: Agent
  #sent = 0
  #answered = 0
  #failed = 0
  #skipped = 0
  readonly #pending = new Set<ClientRequest>()
  #lastFailure: string | null = null
  #idle: (() => void)[] = []

  constructor({ url, member = 'rows', connections = defaultConnections }: TrafficClientOptions) {
    this.#url = new URL(url)
    this.#member = member
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections })
  }

  get counts(): TrafficCounts {
    return {
      sent: this.#sent,
      answered: this.#answered,
      failed: this.#failed,
      skipped: this.#skipped,
      lastFailure: this.#lastFailure,
    }
  }

  /** Sends one request with these items and returns at once. `onStatus` is told the status of its answer, if one comes. */
  send(items: readonly unknown[], onStatus: (status: number) => void = () => {}): void {
    if (this.#pending.size >= maximumPending) {
      this.#skipped += items.length
      return
    }
    this.#sent += items.length
    this.#post({ body: JSON.stringify({ [this.#member]: items }), items: items.length, onStatus }, true)
  }

  #post(posted: Posted, mayRepeat: boolean): void {
    const { body, items, onStatus } = posted
    let ended = false
    const end = (failure: string | null): void => {
      if (ended) return
      ended = true
      if (failure === null) this.#answered += items
      else {
        this.#failed += items
        this.#lastFailure = failure
      }
      this.#pending.delete(outgoing)
      if (this.#pending.size === 0) for (const wake of this.#idle.splice(0)) wake()
    }
    const outgoing = request(
      this.#url,
      {
        method: 'POST',
        agent: this.#agent,
        timeout: requestTimeoutMs,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        response.resume()
        response.on('end', () => {
          const status = response.statusCode!
          onStatus(status)
          end(status === 200 ? null : `HTTP ${status}`)
        })
        response.on('error', (error) => end(error.message))
      },
    )
    this.#pending.add(outgoing)
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer in ${requestTimeoutMs} ms`)))
    outgoing.on('error', (error) => {
      // A server may close an idle connection in the moment in which it is used again: nobody's failure, and the server saw nothing.
      if (mayRepeat && outgoing.reusedSocket && 'code' in error && error.code === 'ECONNRESET') {
        ended = true
        this.#pending.delete(outgoing)
        this.#post(posted, false)
      } else end(error.message)
    })
    outgoing.end(body)
  }

  /** Resolves when no request is unanswered. */
  idle(): Promise<void> {
    if (this.#pending.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Closes the connections; unanswered requests fail. */
  close(): void {
    for (const outgoing of this.#pending) outgoing.destroy(new Error('the client was closed'))
    this.#agent.destroy()
  }
}
