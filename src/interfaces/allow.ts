/** `auto` lines: which interfaces come up at boot. */
import { type Lines, splice } from './lines.ts'
import { removeSpan } from './options.ts'
import { type Allow, parseBlocks, stanzasOf } from './stanzas.ts'

/** True when an `auto`, `allow-auto` or `allow-hotplug` line names the interface; PVE counts all of them. */
export function isAutostarted(lines: Lines, name: string): boolean {
  return allowLines(lines).some(({ names }) => names.includes(name))
}

/** Adds `auto NAME` right above the first stanza of the interface. */
export function addAutostart(lines: Lines, name: string): Lines {
  const [stanza] = stanzasOf(lines, name)
  return stanza === undefined || isAutostarted(lines, name) ? lines : splice(lines, stanza.first, 0, [`auto ${name}`])
}

/** Takes the name out of such lines, and lines that name nothing else. */
export function removeAutostart(lines: Lines, name: string): Lines {
  return allowLines(lines)
    .filter(({ names }) => names.includes(name))
    .reverse()
    .reduce((file, line) => withoutName(file, line, name), lines)
}

function withoutName(lines: Lines, line: Allow, name: string): Lines {
  const rest = line.names.filter((other) => other !== name)
  if (rest.length === 0) return removeSpan(lines, line)
  return splice(lines, line.first, line.end - line.first, [[line.keyword, ...rest].join(' ')])
}

function allowLines(lines: Lines): readonly Allow[] {
  return parseBlocks(lines).filter(
    (block): block is Allow =>
      block.kind === 'allow' && ['auto', 'allow-auto', 'allow-hotplug'].includes(block.keyword),
  )
}
