/**
 * Bundles src/ into dist/ and writes oclif.manifest.json. One file per command, and lazily loaded chunks for what a
 * command imports at run time: a start reads a few files instead of some 160 modules.
 */
import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))

/** zod brings its messages in fifty languages, which are half of its text; pvectl words them itself. */
const withoutLocales = {
  name: 'without-locales',
  setup({ onResolve }) {
    onResolve({ filter: /locales\/index\.js$/ }, ({ importer, resolveDir }) =>
      /node_modules\/zod\/v4\//.test(importer) ? { path: path.join(resolveDir, '../locales/en.js') } : undefined,
    )
  },
}

await bundle()
await writeManifest()

async function bundle() {
  const fresh = path.join(root, 'dist.new')
  await rm(fresh, { recursive: true, force: true })
  await build({
    absWorkingDir: root,
    entryPoints: ['src/main.ts', 'src/cli/command-not-found.ts', ...(await commandFiles())],
    outdir: fresh,
    outbase: 'src',
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.12',
    keepNames: true,
    // A start spends its time on reading text, so there is less of it; names stay, for stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    plugins: [withoutLocales],
    legalComments: 'none',
    // ssh2 uses these two where they were compiled, and does without them elsewhere.
    external: ['cpu-features', '*.node'],
    define: { 'process.env.NODE_ENV': '"production"' },
    // CommonJS packages in the bundle call require() for Node's own modules.
    banner: {
      js: [
        "import { createRequire as bundleRequire } from 'node:module'",
        "import { fileURLToPath as bundlePath } from 'node:url'",
        'const require = bundleRequire(import.meta.url)',
        'const __filename = bundlePath(import.meta.url)',
        "const __dirname = bundlePath(new URL('.', import.meta.url))",
      ].join('\n'),
    },
    logLevel: 'warning',
  })
  // A build that fails leaves the previous one in place.
  await rm(path.join(root, 'dist'), { recursive: true, force: true })
  await rename(fresh, path.join(root, 'dist'))
}

async function commandFiles() {
  const files = await readdir(path.join(root, 'src/commands'), { recursive: true })
  return files.filter((file) => file.endsWith('.ts')).map((file) => path.join('src/commands', file))
}

/** Lets oclif know all commands without loading them. A command missing here would not be found. */
async function writeManifest() {
  const { Plugin } = await import('@oclif/core')
  const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true })
  await plugin.load()
  const expected = (await commandFiles()).length
  const found = Object.keys(plugin.manifest.commands).length
  if (found !== expected) throw new Error(`${expected} command files, but ${found} in the manifest`)
  await writeFile(path.join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest)}\n`)
}
