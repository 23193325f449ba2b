import { defineRules, type RuleFile } from '@driftline/collector/rules'
import rules from './driftline.rules.ts'

/** The rules of production, on slices short enough to watch. */
const demoRules: RuleFile = { ...rules, window: { size: '5s', grace: '2s' } }

export default defineRules(demoRules)
