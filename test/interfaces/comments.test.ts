import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commentsNamed, setComment } from '../../src/interfaces/comments.ts'
import { formatLines, parseLines } from '../../src/interfaces/lines.ts'

const test = suite('interfaces: comments')

const edit = (text: string, comment = 'New', name = 'vmbr0') =>
  formatLines(setComment(parseLines(Buffer.from(text)), name, comment)).toString()

const HEAD = 'auto vmbr0\niface vmbr0 inet static\n\taddress 10.0.0.1/24\n\tbridge-ports none\n'

const CASES: readonly (readonly [string, string, string])[] = [
  ['added last, as PVE writes it', HEAD, `${HEAD}#New\n`],
  ['before the blank line', `${HEAD}\nauto x\n`, `${HEAD}#New\n\nauto x\n`],
  ['not below a blank line within the stanza', `${HEAD}\n\tpost-up true\n`, `${HEAD}#New\n\n\tpost-up true\n`],
  ['no newline at the end', HEAD.trimEnd(), `${HEAD}#New\n`],
  ['replaced', `${HEAD}#Old\n`, `${HEAD}#New\n`],
  ['several lines are one comment', `${HEAD}#Old\n#two\n`, `${HEAD}#New\n`],
  ['there already', `${HEAD}#New\n`, `${HEAD}#New\n`],
  ['there, with blanks', `${HEAD}\t#  New \n`, `${HEAD}#New\n`],
  ['there, between options', `${HEAD}# New\n\tbridge-fd 0\n`, `${HEAD}\tbridge-fd 0\n#New\n`],
  ['a note between options stays', `${HEAD}\t# why\n\tbridge-fd 0\n`, `${HEAD}\t# why\n\tbridge-fd 0\n#New\n`],
  ['settings that are switched off stay', `${HEAD}#\tmtu 9000\n`, `${HEAD}#\tmtu 9000\n#New\n`],
  ['below a switched-off setting', `${HEAD}#\tmtu 9000\n#Old\n`, `${HEAD}#\tmtu 9000\n#New\n`],
  ['a heading of the next stanza stays', `${HEAD}# inner\nauto x\n`, `${HEAD}#New\n\n# inner\nauto x\n`],
  ['the next stanza right below', `${HEAD}auto x\n`, `${HEAD}#New\n\nauto x\n`],
  [
    'in the stanza of the other family',
    `${HEAD}\niface vmbr0 inet6 static\n\taddress ::1/64\n#Old\n`,
    `${HEAD}\niface vmbr0 inet6 static\n\taddress ::1/64\n#New\n`,
  ],
  ['CRLF', `${HEAD}#Old\n`.replaceAll('\n', '\r\n'), `${HEAD}#New\n`.replaceAll('\n', '\r\n')],
  ['an interface that is not there', HEAD.replaceAll('vmbr0', 'vmbr1'), HEAD.replaceAll('vmbr0', 'vmbr1')],
]

for (const [what, before, after] of CASES)
  test(what, () => {
    assert.is(edit(before), after)
    assert.is(edit(after), after)
  })

test('a changed text replaces the one before, wherever that stood', () => {
  for (const [, before] of CASES) assert.is(edit(edit(before), 'Next'), edit(before).replace('New', 'Next'), before)
})

test('an empty comment takes it away', () => {
  assert.is(edit(`${HEAD}#Old\n`, ''), HEAD)
  assert.is(edit(`${HEAD}\t# why\n\tbridge-fd 0\n`, ''), `${HEAD}\t# why\n\tbridge-fd 0\n`)
})

test('a comment that reads like a setting stays where it is', () => {
  const six = `${HEAD.replace('inet static', 'inet6 static')}#Old\n\niface vmbr0 inet static\n\taddress 10.0.0.1/24\n`
  const after = six.replace('#Old', '#mtu 9000')
  assert.is(edit(six, 'mtu 9000'), after)
  assert.is(edit(after, 'mtu 9000'), after)
})

test('UTF-8 goes in as bytes and is read back as the same bytes', () => {
  const once = edit(HEAD, 'Büro à')
  assert.is(once, `${HEAD}#Büro à\n`)
  assert.is(edit(once, 'Büro à'), once)
  assert.equal(commentsNamed(parseLines(Buffer.from(once)), 'vmbr0'), [Buffer.from('Büro à').toString('latin1')])
})

test.run()
