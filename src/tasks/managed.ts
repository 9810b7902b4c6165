/** First line of a file that a task owns as a whole, where `#` begins a comment. */
export const MANAGED = '# Managed by pvectl: changes made here will be overwritten.'
