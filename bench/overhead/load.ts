import { connect, type Socket } from 'node:net'

/** What a server did under full load for a while. */
export interface LoadResult {
  readonly requestsPerSecond: number
  /** Of the slice, in milliseconds. */
  readonly p99Millis: number
}

/**
 * Sends the same request over and over on so many connections, each waiting for its answer before the next. Bytes over plain sockets:
 * an HTTP client would take as much of the machine as the server that it measures.
 */
export class LoadGenerator {
  readonly #connections: readonly Connection[]

  private constructor(connections: readonly Connection[]) {
    this.#connections = connections
  }

  static async open(port: number, connections: number, bodies: readonly string[]): Promise<LoadGenerator> {
    const requests = bodies.map((body) =>
      Buffer.from(
        `POST /predict HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      ),
    )
    return new LoadGenerator(
      await Promise.all(Array.from({ length: connections }, (_, i) => Connection.open(port, requests, i))),
    )
  }

  async run(millis: number): Promise<LoadResult> {
    const start = performance.now()
    const times = (await Promise.all(this.#connections.map((connection) => connection.run(start + millis)))).flat()
    const seconds = (performance.now() - start) / 1000
    const sorted = Float64Array.from(times).sort()
    return { requestsPerSecond: times.length / seconds, p99Millis: sorted[Math.floor(sorted.length * 0.99)]! }
  }

  close(): void {
    for (const connection of this.#connections) connection.close()
  }
}

class Connection {
  readonly #socket: Socket
  readonly #requests: readonly Buffer[]
  #next: number
  #received = ''
  #answered: ((error: Error | null) => void) | null = null

  private constructor(socket: Socket, requests: readonly Buffer[], first: number) {
    this.#socket = socket
    this.#requests = requests
    this.#next = first
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('data', (text) => this.#onData(String(text)))
    socket.on('error', (error) => this.#answered?.(error))
    socket.on('close', () => this.#answered?.(new Error('the server closed the connection')))
  }

  static open(port: number, requests: readonly Buffer[], first: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new Connection(socket, requests, first))
      })
    })
  }

  /** Milliseconds of each request that was sent before `end`. */
  run(end: number): Promise<number[]> {
    return new Promise((resolve, reject) => {
      const times: number[] = []
      let sent = 0
      const send = (): void => {
        sent = performance.now()
        this.#socket.write(this.#requests[this.#next++ % this.#requests.length]!)
      }
      this.#answered = (error) => {
        if (error !== null) {
          reject(error)
          return
        }
        const now = performance.now()
        times.push(now - sent)
        if (now < end) {
          send()
          return
        }
        this.#answered = null
        resolve(times)
      }
      send()
    })
  }

  close(): void {
    this.#answered = null
    this.#socket.destroy()
  }

  #onData(text: string): void {
    this.#received += text
    const head = this.#received.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#received)?.[1])
    if (this.#received.length < head + 4 + length) return
    const status = this.#received.slice(9, 12)
    this.#received = ''
    this.#answered?.(status === '200' ? null : new Error(`the server answered ${status}`))
  }
}
