/** Help texts, written over several lines and wrapped anew by the terminal. */

/** Joins the lines of each paragraph; an empty line parts paragraphs. */
export function prose(strings: TemplateStringsArray, ...values: readonly string[]): string {
  return String.raw({ raw: strings.map((text) => text) }, ...values)
    .trim()
    .replace(/([^\n])\n(?!\n)\s*/g, '$1 ')
}
