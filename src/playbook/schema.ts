/** Shape of plays and of what all tasks have in common. */
import { z } from 'zod'

const tags = z
  .union([z.string().min(1), z.array(z.string().min(1))])
  .describe('tag or tags for --tags and --skip-tags; `always` and `never` have their own meaning')

const batch = z.union([
  z.number().int().min(1),
  z.string().regex(/^(100|[1-9]\d?(\.\d+)?)%$/, 'must be a number of hosts or a share such as "25%"'),
])

const condition = z.union([z.string().min(1), z.boolean()])

/** Keys of a task beside the one of its type. */
export const taskKeywords = {
  name: z.string().min(1).optional().describe('what the task is for, shown while it runs; may contain templates'),
  tags: tags.optional(),
  when: z
    .union([condition, z.array(condition)])
    .optional()
    .describe('JavaScript expression; the task is skipped unless it (or each of a list) is true'),
  loop: z
    .union([z.string(), z.array(z.unknown())])
    .optional()
    .describe('list, or an expression that comes to one: the task is done once for each `item`'),
}

/** A task; the key of its type is checked apart. */
export const taskSchema = z.looseObject(taskKeywords)

/** A play. */
export const playSchema = z.strictObject({
  name: z.string().min(1).optional().describe('title of the play'),
  hosts: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe('pattern of hosts and groups, as in `pve,!node3`'),
  serial: z
    .union([batch, z.array(batch).min(1)])
    .optional()
    .describe('how many hosts at a time: a number, a share such as "25%", or a list of batch sizes'),
  max_fail_percentage: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe('when more than this share of the hosts of the play has failed, nothing further is begun'),
  any_errors_fatal: z.boolean().optional().describe('the same as `max_fail_percentage: 0`'),
  vars: z
    .record(z.string(), z.unknown())
    .nullable()
    .optional()
    .describe('variables of the play; may contain templates'),
  tags: tags.optional(),
  tasks: z.array(z.unknown()).describe('tasks, done in this order'),
})

/** An entry that stands for the plays of another file. */
export const importSchema = z.strictObject({
  import_playbook: z.string().min(1).describe('playbook file, relative to this one'),
  name: z.string().min(1).optional(),
})

/** Tags as a list. */
export function tagList(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return []
  return typeof value === 'string' ? splitTags(value) : value
}

/** `a,b` as a list. */
function splitTags(text: string): readonly string[] {
  return text
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '')
}
