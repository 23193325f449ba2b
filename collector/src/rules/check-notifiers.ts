import type { LoadedRules } from './loaded.ts'
import { formatPath, type RuleProblem } from './problem.ts'
import { closest } from './suggest.ts'

/** Notifiers that rules name and the configuration does not have. Returns every problem. */
export function checkNotifiers(rules: LoadedRules, configured: readonly string[]): RuleProblem[] {
  const problems: RuleProblem[] = []
  for (const [index, rule] of rules.rules.entries()) {
    for (const [position, name] of (rule.notify ?? []).entries()) {
      if (configured.includes(name)) continue
      const near = closest(name, configured)
      const hint = near === null ? '' : `, did you mean ${JSON.stringify(near)}?`
      const names = configured.length === 0 ? 'none is configured' : `configured: ${configured.join(', ')}`
      problems.push({
        path: formatPath(['rules', index, 'notify', position]),
        message: `unknown notifier ${JSON.stringify(name)}${hint}; ${names}`,
      })
    }
  }
  return problems
}
