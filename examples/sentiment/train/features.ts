import type { ManifestFeature } from '@driftline/instrumentation/contract'

const share = { min: 0, max: 1 }

/** What zero-code instrumentation records of the texts that go into a classifier. */
export const features: readonly ManifestFeature[] = [
  { name: 'text.characters', kind: 'numeric', description: 'Code points of the text', range: { min: 0 } },
  { name: 'text.words', kind: 'numeric', description: 'Runs of letters, marks and numbers', range: { min: 0 } },
  { name: 'text.mean_word_length', kind: 'numeric', description: 'Code points per word', range: { min: 0 } },
  {
    name: 'text.non_letter_share',
    kind: 'numeric',
    description: 'Digits, punctuation and symbols over all characters but white space',
    range: share,
  },
  {
    name: 'text.upper_share',
    kind: 'numeric',
    description: 'Upper-case letters over letters with a case',
    range: share,
  },
  { name: 'text.distinct_word_share', kind: 'numeric', description: 'Different words over all words', range: share },
  { name: 'text.tokens', kind: 'numeric', description: 'Tokens that the model gets', range: { min: 0 } },
  {
    name: 'text.unknown_token_share',
    kind: 'numeric',
    description: 'Tokens that the tokenizer does not know over all of the text',
    range: share,
  },
]
