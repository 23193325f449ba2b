import { cpSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Bench, modelFile, registerFlag, sourceCondition } from '../register/registered-process.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.start()
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(bench.directory, name)), { recursive: true })
    bench.write(name, text)
  }
  write('node_modules/alpha/package.json', '{ "name": "alpha", "version": "1.2.3", "main": "lib/index.js" }')
  write('node_modules/alpha/lib/package.json', '{ "type": "commonjs" }')
  write('node_modules/alpha/lib/index.js', `require('./inner.js'); exports.Model = class { run() { return 'run' } }`)
  write('node_modules/alpha/lib/inner.js', `exports.inner = 1`)
  write(
    'node_modules/@beta/esm/package.json',
    '{ "name": "@beta/esm", "version": "4.5.6", "exports": "./dist/main.mjs" }',
  )
  write(
    'node_modules/@beta/esm/dist/main.mjs',
    `export const make = () => 'made'; export let count = 1; export default class Beta {}; export const where = import.meta.url`,
  )
})
afterEach(() => bench.stop())

const hooksUrl = new URL('../../src/patch/module-hooks.ts', import.meta.url).href
const hooks = `import { onImport, onRequire } from ${JSON.stringify(hooksUrl)}
  onRequire('alpha', (exports, { version, file }) => {
    console.log('alpha', version, file.endsWith('alpha/lib/index.js'))
    exports.Model.prototype.run = () => 'patched'
  })
  onImport('@beta/esm', /^dist\\/main\\.mjs$/, ['make'], (namespace, { version }) => {
    console.log('beta', version, namespace.make())
    return { make: () => 'replaced' }
  })`

describe('module hooks', () => {
  it('see what ESM imports, once, and replace named exports without changing the others', async () => {
    const preload = bench.write('hooks.mjs', hooks)
    const file = bench.write(
      'app.mjs',
      `import alpha from 'alpha'
       import { createRequire } from 'node:module'
       import Beta, { make, count, where } from '@beta/esm'
       createRequire(import.meta.url)('alpha')
       console.log(new alpha.Model().run(), make(), count, Beta.name, where.endsWith('main.mjs'))`,
    )
    const { output, errors } = await bench.run(file, { flags: ['--import', preload] })
    expect(errors).toBe('')
    expect(output).toBe('alpha 1.2.3 true\nbeta 4.5.6 made\npatched replaced 1 Beta true\n')
  })

  it('see what CommonJS requires, also before they were there', async () => {
    const file = bench.write(
      'app.cjs',
      `const { Model } = require('alpha')
       import('./hooks.mjs').then(() => console.log(new Model().run()))`,
    )
    bench.write('hooks.mjs', hooks)
    const { output } = await bench.run(file, { flags: [] })
    expect(output).toBe('alpha 1.2.3 true\npatched\n')
  })

  it('leave a library as it was when a patch throws', async () => {
    const preload = bench.write(
      'hooks.mjs',
      `import { onImport, onRequire } from ${JSON.stringify(hooksUrl)}
       onRequire('alpha', () => { throw new Error('no') })
       onImport('@beta/esm', /main/, ['make'], () => { throw new Error('no') })`,
    )
    const file = bench.write(
      'app.mjs',
      `import alpha from 'alpha'; import { make } from '@beta/esm'; console.log(new alpha.Model().run(), make())`,
    )
    const { output, errors } = await bench.run(file, { flags: ['--import', preload] })
    expect([output, errors]).toEqual(['run made\n', ''])
  })
})

describe('register', () => {
  it('counts once although it is given twice, and by two copies of the package', async () => {
    const copy = join(bench.directory, 'copy')
    cpSync(fileURLToPath(new URL('../../src', import.meta.url)), copy, { recursive: true })
    const file = bench.write(
      'once.mjs',
      `import * as ort from 'onnxruntime-node'
       const session = await ort.InferenceSession.create(${JSON.stringify(modelFile)}, { intraOpNumThreads: 1 })
       await session.run({ features: new ort.Tensor('float32', new Float32Array(32).fill(1), [2, 16]) })`,
    )
    const flags = [...sourceCondition, ...registerFlag, ...registerFlag, '--import', join(copy, 'register.ts')]
    const { code, errors } = await bench.run(file, { flags })
    expect(code).toBe(0)
    expect(errors.match(/watching/g)).toHaveLength(1)
    expect(bench.streams).toMatchObject([{ durations: 1, features: { 'input[0]': 2 } }])
  })
})
