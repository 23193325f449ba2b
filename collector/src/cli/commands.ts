import type { Command } from './command.ts'

/** A command as the list knows it; its file is imported only when it runs. */
export interface CommandEntry {
  readonly name: string
  readonly summary: string
  load(): Promise<Command>
}

/** Every command of `driftline`, in the order of `driftline --help`. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'collector',
    summary: 'receive metrics, evaluate drift and raise alerts',
    load: async () => (await import('./collector.ts')).collectorCommand,
  },
  {
    name: 'doctor',
    summary: 'show which models of a server would be watched, and what is missing',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  {
    name: 'baseline build',
    summary: 'make baseline.json from training data (CSV, JSONL, Parquet)',
    load: async () => (await import('./baseline-build.ts')).baselineBuildCommand,
  },
  {
    name: 'baseline show',
    summary: 'print a readable summary of a baseline',
    load: async () => (await import('./baseline-show.ts')).baselineShowCommand,
  },
  {
    name: 'baseline freeze',
    summary: 'make a baseline of what a model was asked in production',
    load: async () => (await import('./baseline-freeze.ts')).baselineFreezeCommand,
  },
  {
    name: 'rules grafana',
    summary: 'compile alert rules to Grafana provisioning files',
    load: async () => (await import('./rules-grafana.ts')).rulesGrafanaCommand,
  },
  {
    name: 'backtest',
    summary: 'run the evaluation and the rules of the collector over a file',
    load: async () => (await import('./backtest.ts')).backtestCommand,
  },
]
