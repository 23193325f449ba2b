import { formatAlert } from '../format.ts'
import type { Notifier } from './notifier.ts'

export interface ConsoleNotifierOptions {
  /** Default: `console`. */
  readonly name?: string
  /** Takes a text of several lines. */
  readonly write: (text: string) => void
}

/** Writes alerts as text. Control characters of names that came over the wire are shown, not obeyed. */
export function createConsoleNotifier({ name = 'console', write }: ConsoleNotifierOptions): Notifier {
  return {
    name,
    notify(alert) {
      write(withoutControls(formatAlert(alert)))
      return Promise.resolve({ delivered: true })
    },
  }
}

// A feature name is data from outside; an escape sequence in it must not reach a terminal. Line breaks are ours.
const controls = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/g

function withoutControls(text: string): string {
  return text.replace(controls, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
