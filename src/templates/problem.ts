/** What can be wrong with a template, in words for its author. */

/** A template that does not compile or cannot be rendered. The caller adds the place. */
export class TemplateProblem extends Error {
  /** The message as first thrown; EJS puts an excerpt in front of `message`. */
  readonly reason: string
  readonly hint: string | undefined
  /** Where in the template; undefined when nobody knows. Lines count from 1. */
  readonly place: TemplatePlace | undefined

  constructor(reason: string, hint?: string, place?: TemplatePlace) {
    super(reason)
    this.reason = reason
    this.hint = hint
    this.place = place
  }
}

/** The use of something that failed before and has been reported there. */
export class ReportedProblem extends TemplateProblem {}

/** A line of a template file; without file, of the template string itself. */
export interface TemplatePlace {
  readonly file?: string
  readonly line: number
}
