/**
 * Bundles src/ into dist/pvectl.cjs, writes oclif.manifest.json, and keeps the bytecode of a run, so that a start reads
 * two files and compiles next to nothing. docs/design/009-bytecode.md has the reasons.
 */
import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const HOOK = 'cli/command-not-found'

/** zod brings its messages in fifty languages, which are half of its text; pvectl words them itself. */
const withoutLocales = {
  name: 'without-locales',
  setup({ onResolve }) {
    onResolve({ filter: /locales\/index\.js$/ }, ({ importer, resolveDir }) =>
      /node_modules\/zod\/v4\//.test(importer) ? { path: path.join(resolveDir, '../locales/en.js') } : undefined,
    )
  },
}

/** oclif loads plugins that are modules, and a script that is compiled by hand cannot import: its loader does it. */
const importByLoader = {
  name: 'import-by-loader',
  setup({ onLoad }) {
    onLoad({ filter: /@oclif\/core\/lib\/module-loader\.js$/ }, async ({ path: file }) => {
      const text = await readFile(file, 'utf8')
      return { contents: text.replaceAll('await import(', 'await bundleImport('), loader: 'js' }
    })
  },
}

const commands = await commandNames()
await bundle()
await writeManifest()
keepBytecode()

async function bundle() {
  const fresh = path.join(root, 'dist.new')
  await rm(fresh, { recursive: true, force: true })
  await build({
    absWorkingDir: root,
    stdin: { contents: entry(), resolveDir: path.join(root, 'src'), loader: 'ts' },
    outfile: path.join(fresh, 'pvectl.cjs'),
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20.12',
    keepNames: true,
    // Names stay, for stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    plugins: [withoutLocales, importByLoader],
    // Every import at run time is of something within the bundle, and becomes a function that is called when needed.
    supported: { 'dynamic-import': false },
    // ssh2 uses these two where they were compiled, and does without them elsewhere.
    external: ['cpu-features', '*.node'],
    define: { 'process.env.NODE_ENV': '"production"', 'import.meta.url': 'bundleUrl' },
    banner: {
      js: "(function (exports, require, module, __filename, __dirname, bundleImport) {const bundleUrl = require('node:url').pathToFileURL(__filename).href;",
    },
    footer: { js: '})' },
    logLevel: 'warning',
  })
  for (const name of commands) await writeStub(fresh, path.join('commands', name), 'commands', name)
  await writeStub(fresh, HOOK, 'hooks', HOOK)
  // A build that fails leaves the previous one in place.
  await rm(path.join(root, 'dist'), { recursive: true, force: true })
  await rename(fresh, path.join(root, 'dist'))
}

/** The main function, and each command as a function that loads it. */
function entry() {
  const loader = (name, file) => `  ${JSON.stringify(name)}: () => require(${JSON.stringify(`./${file}.ts`)}),`
  return [
    "export { main } from './main.ts'",
    'export const commands = {',
    ...commands.map((name) => loader(name, `commands/${name}`)),
    '}',
    'export const hooks = {',
    loader(HOOK, HOOK),
    '}',
  ].join('\n')
}

/** oclif wants a file for each command; it hands on what is in the bundle. */
async function writeStub(folder, name, list, key) {
  const file = path.join(folder, `${name}.cjs`)
  await mkdir(path.dirname(file), { recursive: true })
  const up = path.relative(path.dirname(file), path.join(folder, '../bin/load.cjs')).split(path.sep).join('/')
  await writeFile(file, `module.exports = require('${up}').${list}['${key}']()\n`)
}

async function commandNames() {
  const files = await readdir(path.join(root, 'src/commands'), { recursive: true })
  return files.filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -'.ts'.length))
}

/** Lets oclif know all commands without loading them. A command missing here would not be found. */
async function writeManifest() {
  const { Plugin } = await import('@oclif/core')
  const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true })
  await plugin.load()
  const found = Object.keys(plugin.manifest.commands).length
  if (found !== commands.length) throw new Error(`${commands.length} command files, but ${found} in the manifest`)
  await writeFile(path.join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest)}\n`)
}

/** Without it pvectl works as well, and starts more slowly. */
function keepBytecode() {
  const { status, stderr } = spawnSync(process.execPath, [path.join(root, 'scripts/bytecode.mjs')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (status !== 0) process.stderr.write(`build: no bytecode, so starts are slower: ${stderr.trim()}\n`)
}
