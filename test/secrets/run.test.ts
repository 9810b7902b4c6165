/** A whole run with secrets: on the node they are what they are, and no trace of them is anywhere else. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import path from 'node:path'
import { Writable } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RunEvent } from '../../src/engine/events.ts'
import { run } from '../../src/engine/run.ts'
import { loadInventory } from '../../src/inventory/load.ts'
import { loadJob } from '../../src/playbook/load.ts'
import { createJsonReporter } from '../../src/reporters/json.ts'
import { createListrReporter } from '../../src/reporters/listr.ts'
import { createPalette } from '../../src/reporters/palette.ts'
import { createPlainReporter } from '../../src/reporters/plain.ts'
import { symbolsFor } from '../../src/reporters/symbols.ts'
import { taskTypes } from '../../src/tasks/index.ts'
import { localConnector } from '../helpers/local-connection.ts'
import { project } from '../helpers/project.ts'
import { testKey } from '../helpers/sealed.ts'
import { within } from '../helpers/within.ts'

const test = suite('secrets: a whole run')

const TOKEN = 'tok-71f0c2a9-not-for-eyes'
const KEY =
  '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3vXlT7\nq8dkbb6rZ9oAbCd3\n-----END PRIVATE KEY-----\n'
const TRACES = [TOKEN, 'not-for-eyes', 'MC4CAQAw', 'q8dkbb6r', Buffer.from(TOKEN).toString('base64').slice(0, 16)]

function noTrace(text: string, where: string): void {
  for (const trace of TRACES) assert.not.ok(text.includes(trace), `${where} tells ${trace}`)
}

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
}

async function prepare() {
  const key = await testKey()
  const cwd = project({
    'inventory/prod.yml': `all:\n  hosts:\n    node1: {address: 127.0.0.1}\n  vars:\n    token: ${await key.seal(TOKEN, '      ')}\n`,
    'inventory/group_vars/all.yml': `tls:\n  key: ${await key.seal(KEY, '    ')}\n`,
  })
  const owner = `${userInfo().username}:${userInfo().username}`
  const out = path.join(cwd, 'out')
  const playbook = `- hosts: all
  vars:
    twice: "<%= vars.token + vars.token %>"
  tasks:
    - file: {path: ${out}/app.conf, content: "a\\ntoken=<%= vars.token %>\\n<%= vars.twice %>\\n", mode: '0600', owner: '${owner}'}
    - file: {path: ${out}/tls.key, content: "<%= vars.tls.key %>", mode: '0600', owner: '${owner}'}
    - command:
        run: |
          ps -eo args > ${out}/ps
          echo "said <%= vars.token %>"; printf %s '<%= vars.token %>' | base64
          cat ${out}/tls.key
        unless: test -e ${out}/ps && test "<%= vars.token %>" = x
        touches: []
    - name: fails with <%= vars.token %>
      command: {run: "echo 'bad token <%= vars.token %>' >&2; cat ${out}/tls.key; exit 3"}
`
  return { key, cwd, out, playbook: path.join(project({ 'site.yml': playbook }), 'site.yml') }
}

function reporters() {
  const written: Record<string, string> = { plain: '', json: '', listr: '' }
  const palette = createPalette(false)
  const into = (name: string) => (text: string) => {
    written[name] += text
  }
  const terminal = Object.assign(
    new Writable({
      write(chunk, _, done) {
        into('listr')(String(chunk))
        done()
      },
    }),
    { isTTY: true, columns: 200, rows: 60 },
  ) as unknown as NodeJS.WriteStream
  const all = [
    createPlainReporter({ write: into('plain'), palette, diff: true, verbose: true }),
    createJsonReporter(into('json')),
    createListrReporter({ terminal, palette, symbols: symbolsFor({ LANG: 'C.UTF-8' }), diff: true, verbose: true }),
  ]
  return { written, all }
}

async function go(mode: 'check' | 'apply', { key, cwd, playbook }: Awaited<ReturnType<typeof prepare>>) {
  const secrets = key.store()
  const inventory = await loadInventory('prod', { cwd, secrets })
  noTrace(JSON.stringify(inventory.hosts), 'the inventory as JSON')
  const job = await loadJob({ playbook, inventory, cwd, registry: taskTypes })
  const root = project({})
  const { written, all } = reporters()
  const events: RunEvent[] = []
  const report = await run({
    job,
    connector: localConnector(root),
    mode,
    mask: secrets.mask,
    emit: (event) => {
      events.push(event)
      for (const reporter of all) reporter.handle(event)
    },
  })
  for (const reporter of all) await reporter.close()
  return { report, written, events, root }
}

test('check shows what would change and no secret', async () => {
  await within(
    30_000,
    (async () => {
      const { written, events } = await go('check', await prepare())
      noTrace(JSON.stringify(events), 'an event')
      for (const [name, text] of Object.entries(written)) {
        assert.match(text, '********', name)
        noTrace(text, name)
      }
      assert.match(written.plain ?? '', '+token=********')
    })(),
  )
})

test('apply writes the secrets and tells them to nobody, not even in errors, argument lists and records', async () => {
  await within(
    30_000,
    (async () => {
      const prepared = await prepare()
      const { out } = prepared
      const { report, written, events, root } = await go('apply', prepared)
      assert.is(report.exitCode, 5, JSON.stringify(events.at(-2)))
      assert.is(readFileSync(`${out}/app.conf`, 'utf8'), `a\ntoken=${TOKEN}\n${TOKEN}${TOKEN}\n`)
      assert.is(readFileSync(`${out}/tls.key`, 'utf8'), KEY)
      noTrace(JSON.stringify(events), 'an event')
      const said = events.flatMap((event) => (event.event === 'task:output' ? [event.line] : []))
      assert.ok(said.includes('said ********'), said.join('\n'))
      assert.ok(said.includes('bad token ********'))
      const error = events.flatMap((event) => (event.event === 'host:finished' ? [event.error] : []))[0]
      assert.match(error?.problems[0]?.message ?? '', 'fails with ********')
      for (const [name, text] of Object.entries(written)) noTrace(text, name)
      const processes = readFileSync(`${out}/ps`, 'utf8')
      assert.match(processes, 'ps -eo args')
      noTrace(processes, 'the list of processes')
      for (const file of filesBelow(`${root}/lib`)) noTrace(readFileSync(file, 'utf8'), file)
      const scripts = filesBelow(`${root}/run`).filter((file) => file.endsWith('/script'))
      assert.equal(scripts, [], 'the script is removed once it runs')
      assert.ok(existsSync(`${root}/run`))
    })(),
  )
})

test.run()
