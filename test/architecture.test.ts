/** Rules about the code itself. The direction of imports is a matter of lint; here, that lint really says so. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { taskTypes } from '../src/tasks/index.ts'

const test = suite('architecture')
const root = fileURLToPath(new URL('..', import.meta.url))

function filesBelow(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.join(folder, name))
}

const read = (file: string) => readFileSync(path.join(root, file), 'utf8')

/** Lints texts as if they stood in files of this repository; what lint says, each with file and rule. */
function lint(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'pvectl-lint-'))
  try {
    cpSync(path.join(root, 'biome.json'), path.join(dir, 'biome.json'))
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.join(dir, path.dirname(file)), { recursive: true })
      writeFileSync(path.join(dir, file), text)
    }
    const biome = path.join(root, 'node_modules/.bin/biome')
    const args = ['lint', '--max-diagnostics=none', '--colors=off', '.']
    const { stdout, stderr } = spawnSync(biome, args, { cwd: dir, encoding: 'utf8', timeout: 30_000 })
    return stdout + stderr
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** Puts each import into a file of its own; those that lint lets pass. */
function lintImports(imports: readonly (readonly [string, string])[]): string[] {
  const sample = (folder: string, index: number) => `${folder}/sample${index}.ts`
  const text = (module: string) => `import * as it from '${module}'\n\nexport const sample = it\n`
  const said = lint(Object.fromEntries(imports.map(([folder, module], i) => [sample(folder, i), text(module)])))
  const refused = (file: string) => new RegExp(`^${file}:\\S+ lint/style/noRestrictedImports `, 'm').test(said)
  return imports.flatMap(([folder, module], i) => (refused(sample(folder, i)) ? [] : [`${folder} → ${module}`]))
}

/** An import that would compile, in a place where it must not be. */
const FORBIDDEN: readonly (readonly [string, string])[] = [
  ['src/engine', 'node-ssh'],
  ['src/engine', '../connection/ssh-connector.ts'],
  ['src/engine', '../tasks/index.ts'],
  ['src/engine', '../inventory/load.ts'],
  ['src/engine', '../reporters/plain.ts'],
  ['src/resources', '../engine/plan.ts'],
  ['src/resources', '../connection/connection.ts'],
  ['src/facts', '../resources/file.ts'],
  ['src/tasks', '../engine/run.ts'],
  ['src/tasks/x', '../../templates/engine.ts'],
  ['src/tasks', 'ejs'],
  ['src/playbook', '../connection/ssh-connector.ts'],
  ['src/inventory', '../playbook/load.ts'],
  ['src/reporters', '../engine/run.ts'],
  ['src/onboard', '../cli/run-job.ts'],
  ['src/onboard', '../reporters/plain.ts'],
  ['src/templates', '../tasks/index.ts'],
  ['src/connection', '../facts/file.ts'],
  ['src/cli', '../commands/apply.ts'],
  ['src/cli', 'listr2'],
  ['src/commands', 'chalk'],
  ['src/lab', '@oclif/core'],
  ['src/yaml', '../tasks/index.ts'],
  ['src', 'ssh2'],
]

const ALLOWED: readonly (readonly [string, string])[] = [
  ['src/engine', '../playbook/job.ts'],
  ['src/engine', '../inventory/host.ts'],
  ['src/tasks', '../connection/script.ts'],
  ['src/tasks', '../resources/file.ts'],
  ['src/reporters', '../engine/events.ts'],
  ['src/connection', 'node-ssh'],
  ['src/cli', '@oclif/core'],
]

test('lint refuses imports against the direction of the layers', () => {
  assert.equal(lintImports(FORBIDDEN), [])
})

test('lint allows imports along it', () => {
  assert.equal(
    lintImports(ALLOWED),
    ALLOWED.map(([folder, module]) => `${folder} → ${module}`),
  )
})

test('default exports are for commands only', () => {
  const text = 'export default class X {}\n'
  const said = lint({ 'src/engine/x.ts': text, 'src/commands/x.ts': text })
  assert.match(said, /^src\/engine\/x\.ts:\S+ lint\/style\/noDefaultExport /m)
  assert.not.match(said, 'src/commands/x.ts')
})

test('commands load heavy packages only when they run', async () => {
  const commands = filesBelow('src/commands')
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: commands,
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    metafile: true,
    write: false,
  })
  for (const [file, output] of Object.entries(metafile.outputs)) {
    if (output.entryPoint === undefined || !commands.includes(output.entryPoint)) continue
    assert.equal(
      staticPackages(file, metafile.outputs).filter((name) => !name.startsWith('node:') && name !== '@oclif/core'),
      [],
      output.entryPoint,
    )
  }
})

type Outputs = Awaited<ReturnType<typeof build<{ metafile: true }>>>['metafile']['outputs']

/** Packages that come along with an output file at once, not by a dynamic import. */
function staticPackages(file: string, outputs: Outputs, seen = new Set<string>()): string[] {
  if (seen.has(file)) return []
  seen.add(file)
  const imports = (outputs[file]?.imports ?? []).filter(({ kind }) => kind === 'import-statement')
  return imports.flatMap(({ path: name, external }) => (external ? [name] : staticPackages(name, outputs, seen)))
}

test('the lock file holds the packages of all platforms', () => {
  interface Locked {
    readonly version?: string
    readonly optionalDependencies?: Readonly<Record<string, string>>
  }
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> }
  const wanted = Object.values(packages).flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies ?? {}))
  // npm install leaves out what the registry at hand lacks, and then npm ci refuses the lock file everywhere.
  const missing = wanted.filter((name) => packages[`node_modules/${name}`]?.version === undefined)
  assert.equal(missing, [])
})

test('every test file runs a suite of its own, and all of it', () => {
  const problems = filesBelow('test')
    .filter((file) => file.endsWith('.test.ts') && file !== 'test/architecture.test.ts')
    .flatMap((file) => {
      const text = read(file)
      return [
        ...(/\.run\(\)\n(}\n)?$/.test(text) ? [] : [`${file} does not end with .run()`]),
        ...(/\bsuite(<[^>]*>)?\(/.test(text) ? [] : [`${file} uses the suite that all files share`]),
        ...(/\b\w+\.only\(/.test(text) ? [`${file} leaves tests out by .only()`] : []),
      ]
    })
  assert.equal(problems, [])
})

test('no source file is longer than 300 lines', () => {
  const long = filesBelow('src').filter((file) => read(file).split('\n').length - 1 > 300)
  assert.equal(long, [])
})

test('the registry holds every task type, in order', async () => {
  const files = readdirSync(path.join(root, 'src/tasks')).filter((file) => file.endsWith('.ts'))
  const defined: unknown[] = []
  for (const file of files.filter((name) => name !== 'task-type.ts')) {
    if (!read(path.join('src/tasks', file)).includes('defineTask(')) continue
    const module = (await import(`../src/tasks/${file}`)) as Record<string, unknown>
    defined.push(
      ...Object.values(module).filter((value) => typeof value === 'object' && value !== null && 'resources' in value),
    )
  }
  assert.ok(defined.length > 0)
  for (const type of defined)
    assert.ok(
      taskTypes.some((known) => known === type),
      JSON.stringify(type),
    )
  const names = taskTypes.map(({ name }) => name)
  assert.is(names.length, defined.length)
  assert.equal(names, [...names].sort())
})

test.run()
