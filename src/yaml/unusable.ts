/** What YAML allows and plain data has no place for, with its places. */
import { type Alias, type Document, isCollection, type LineCounter, type Node, visit } from 'yaml'
import type { Problem } from '../errors.ts'

/** Aliases without an anchor, aliases within what they stand for, and mappings or lists as keys. */
export function unusable(root: Document.Parsed, lines: LineCounter, file: string): readonly Problem[] {
  const problems: Problem[] = []
  const add = (node: Node, problem: Problem) => {
    const { line, col } = lines.linePos(node.range?.[0] ?? 0)
    problems.push({ ...problem, location: { file, line, column: col } })
  }
  visit(root, {
    Alias(_, alias, ancestors) {
      const isEndless = ancestors.some((node) => isCollection(node) && node.anchor === alias.source)
      if (isEndless) add(alias, { message: `\`*${alias.source}\` stands within \`&${alias.source}\`, without end` })
      else if (alias.resolve(root) === undefined) add(alias, withoutAnchor(alias))
    },
    Pair(_, { key }) {
      if (isCollection(key)) add(key as Node, COLLECTION_AS_KEY)
    },
  })
  return problems
}

function withoutAnchor({ source }: Alias): Problem {
  return {
    message: `there is no anchor for \`*${source}\``,
    hint: `set \`&${source}\` before it, or put the text in quotes if it is a pattern`,
  }
}

/** What `{{ name }}` without quotes comes to. */
const COLLECTION_AS_KEY: Problem = {
  message: 'a key cannot be a mapping or a list',
  hint: 'put a text that begins with a brace or bracket in quotes; Jinja is not understood here: "<%= vars.NAME %>"',
}
