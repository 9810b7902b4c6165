#!/usr/bin/env node
// Runs pvectl from its sources, without a build and whatever manifest an earlier build left behind.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Plugin } from '@oclif/core'
import { register } from 'tsx/esm/api'

register()
const root = fileURLToPath(new URL('..', import.meta.url))
const { main } = await import('../src/main.ts')
await main(process.argv.slice(2), { root, plugins: await loadPlugins() })

/** oclif's own loader would prefer oclif.manifest.json to the sources. */
async function loadPlugins() {
  const pjson = sourceConfig()
  const own = new Plugin({ root, pjson, isRoot: true, ignoreManifest: true, errorOnManifestCreate: true })
  const others = pjson.oclif.plugins.map((name) => new Plugin({ name, root }))
  const plugins = [own, ...others]
  await Promise.all(plugins.map((plugin) => plugin.load()))
  return new Map(plugins.map((plugin) => [plugin.name, plugin]))
}

/** package.json with the paths of what oclif loads turned from `dist/` to `src/`. */
function sourceConfig() {
  const text = readFileSync(`${root}package.json`, 'utf8')
  const toSource = (match) => match.replace('./dist/', './src/').replace(/\.cjs"$/, '.ts"')
  return JSON.parse(text.replaceAll(/"\.\/dist\/[^"]*"/g, toSource))
}
