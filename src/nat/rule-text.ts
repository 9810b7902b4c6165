/** Words of a rule as iptables-save prints it: double quotes where needed, backslash before `"`, `\` and `'`. */

/** Splits the text of a rule into its arguments. */
export function splitRule(text: string): readonly string[] {
  const words = text.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? []
  return words.map((word) => (word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, '$1') : word))
}
