/** What the documentation points to is there: links and headings, tests, commands, errors, schemas. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { EXIT } from '../../src/errors.ts'

const test = suite('documentation')
const root = path.join(import.meta.dirname, '../..')
const read = (name: string) => readFileSync(path.join(root, name), 'utf8')
const filesIn = (folder: string, end: string) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end))
    .map((name) => path.join(folder, name))

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md', ...filesIn('docs', '.md')]

/** Anchors as GitHub makes them of headings. */
function anchors(page: string): readonly string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function brokenLinks(page: string): readonly string[] {
  const text = read(page).replace(/```[\s\S]*?```/g, '')
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  return links.filter((target) => {
    if (/^https?:/.test(target)) return false
    const [file = '', anchor] = target.split('#')
    const name = file === '' ? page : path.join(path.dirname(page), file)
    if (!existsSync(path.join(root, name))) return true
    return anchor !== undefined && !anchors(name).includes(anchor)
  })
}

for (const page of pages) {
  test(`${page}: links lead somewhere`, () => assert.equal(brokenLinks(page), []))
}

test('docs/README.md lists every page of docs', () => {
  const index = read('docs/README.md')
  const missing = filesIn('docs', '.md').filter((page) => !index.includes(`](${path.relative('docs', page)})`))
  assert.equal(missing, ['docs/README.md'], 'add the page to docs/README.md')
})

test('tests that docs/safety.md names are there', () => {
  const page = read('docs/safety.md')
  const files = [...page.matchAll(/`([a-z-]+\/[a-z-]+\.test\.ts)`/g)].map(([, name = '']) => `test/${name}`)
  assert.ok(files.length > 15, `${files.length} files`)
  assert.equal(
    files.filter((name) => !existsSync(path.join(root, name))),
    [],
  )
  const sources = filesIn('test', '.ts').map(read).join('\n').replaceAll("\\'", "'")
  const names = [...page.matchAll(/(?<!\*)\*([^*]{12,}?)\*(?!\*)/g)].map(([, name = '']) => name.replace(/\s+/g, ' '))
  assert.ok(names.length > 25, `${names.length} names`)
  assert.equal(
    names.filter((name) => !sources.includes(name)),
    [],
  )
})

test('the faults in docs/safety.md are those of the lab', () => {
  const source = ['faults', 'faults-more', 'faults-guard'].map((name) => read(`test/lab/${name}.test.ts`)).join('\n')
  const table = read('docs/safety.md').split('### Faults and outcomes')[1]?.split('###')[0] ?? ''
  const rows = [...table.matchAll(/^\| (.+) \| (.+) \|$/gm)].map(([, fault = '', outcome = '']) => ({ fault, outcome }))
  const faults = rows.filter(({ fault }) => fault !== 'fault')
  assert.is(faults.length, 78)
  for (const { fault, outcome } of faults) {
    assert.ok(source.includes(`'${fault}'`) || source.includes(`'${fault} | ${outcome}'`), `${fault} | ${outcome}`)
  }
})

test('every command stands in README.md', () => {
  const readme = read('README.md')
  const commands = filesIn('src/commands', '.ts').map((file) => path.relative('src/commands', file).slice(0, -3))
  const missing = commands.filter((command) => {
    const [topic = '', name] = command.split('/')
    const line = readme.split('\n').find((row) => row.startsWith(`| \`pvectl ${topic}`))
    return line === undefined || (name !== undefined && !new RegExp(`[ \`]${name}\\b`).test(line))
  })
  assert.equal(missing, [])
})

test('every exit code stands in README.md, every error code in docs/troubleshooting.md', () => {
  const readme = read('README.md')
  for (const code of Object.values(EXIT)) assert.match(readme, `\n| ${code} | `)
  const codes = [...read('src/errors.ts').matchAll(/^ {2}([A-Z_]+): EXIT\./gm)].map(([, code = '']) => code)
  assert.ok(codes.length > 20)
  const page = read('docs/troubleshooting.md')
  assert.equal(
    codes.filter((code) => !page.includes(code)),
    [],
  )
})

test('editors find the schema of every shipped YAML file', () => {
  for (const file of ['inventory/prod.yml', ...filesIn('playbooks', '.yml')]) {
    const schema = /^# yaml-language-server: \$schema=(\S+)$/m.exec(read(file))?.[1]
    const kind = file.startsWith('inventory') ? 'inventory' : 'playbook'
    assert.is(path.join(path.dirname(file), schema ?? ''), `schemas/${kind}.schema.json`)
    assert.ok(existsSync(path.join(root, path.dirname(file), schema ?? '')))
  }
})

test.run()
