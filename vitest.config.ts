import { defineConfig } from 'vitest/config'

export default defineConfig({
  ssr: { resolve: { conditions: ['@driftline/source', 'module', 'node', 'development|production', 'import', 'default'] } },
  test: {
    include: ['{instrumentation,collector,dashboards,simulator,examples,test}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    pool: 'forks',
    execArgv: ['-C', '@driftline/source'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
