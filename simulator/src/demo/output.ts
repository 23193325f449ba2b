import type { PlantedTruth } from '../drift/drift.ts'
import type { DemoEvent, DemoStatus } from './event.ts'
import { alarmText, startedText, statusBlock, statusLine, stoppedText } from './text.ts'

/** Where the events of a demo go. */
export type DemoOutput = (event: DemoEvent) => void

export interface OutputOptions {
  readonly write: (text: string) => void
  /** Columns of the terminal now; lines of the living block are cut there, because a wrapped line would break it. */
  readonly columns: () => number
  readonly truth: PlantedTruth | null
}

/** One JSON line per event. */
export function jsonOutput({ write }: Pick<OutputOptions, 'write'>): DemoOutput {
  return (event) => write(`${JSON.stringify(event)}\n`)
}

/** Without a terminal: a line of status every five seconds, and what happens when it happens. */
export function lineOutput({ write, truth }: Pick<OutputOptions, 'write' | 'truth'>): DemoOutput {
  const everySeconds = 5
  let next = 0
  return (event) => {
    if (event.event === 'status') {
      if (event.status.elapsedSeconds < next) return
      next = (Math.floor(event.status.elapsedSeconds / everySeconds) + 1) * everySeconds
      write(`${statusLine(event.status)}\n`)
    } else write(`${eventText(event, truth).join('\n')}\n`)
  }
}

/** On a terminal: one block that is written over itself, below everything that happened. */
export function blockOutput({ write, columns, truth }: OutputOptions): DemoOutput {
  let shown = 0
  let last: DemoStatus | null = null
  const erase = (): string => (shown > 0 ? `\u001B[${shown}A\u001B[0J` : '')
  const draw = (): string => {
    if (last === null) return ''
    const lines = statusBlock(last).map((line) => line.slice(0, Math.max(columns() - 1, 1)))
    shown = lines.length + 1
    return `\n${lines.join('\n')}\n`
  }
  return (event) => {
    const erased = erase()
    shown = 0
    if (event.event === 'status') {
      last = event.status
      write(erased + draw())
      return
    }
    // The last status stays on the screen when it ends.
    if (event.event === 'stopped') write(`${erased}${draw()}${eventText(event, truth).join('\n')}\n`)
    else write(`${erased}${eventText(event, truth).join('\n')}\n${draw()}`)
  }
}

function eventText(event: Exclude<DemoEvent, { event: 'status' }>, truth: PlantedTruth | null): string[] {
  switch (event.event) {
    case 'started':
      return startedText(event)
    case 'drift-planted':
      return [`Drift planted: ${event.description}`]
    case 'alarm':
      return ['', ...alarmText(event, truth), '']
    case 'resolved':
      return [`Resolved: ${event.rule}`]
    case 'note':
      return [event.text]
    case 'stopping':
      return [event.reason]
    case 'stopped':
    default:
      return [stoppedText(event)]
  }
}
