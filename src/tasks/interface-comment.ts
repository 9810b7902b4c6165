import { z } from 'zod'
import { interfacesComment } from '../resources/interfaces-comment.ts'
import { interfaceName } from './fields.ts'
import { commentText } from './interface-fields.ts'
import { defineTask } from './task-type.ts'

/** `interface_comment`: what the web interface shows beside an interface. */
export const interfaceCommentTask = defineTask({
  name: 'interface_comment',
  summary: 'set the comment that the web interface shows beside an interface',
  params: z.strictObject({
    name: interfaceName.describe('interface that /etc/network/interfaces has a stanza of'),
    comment: commentText.describe('one line; empty removes the comment'),
  }),
  example: `interface_comment:
  name: vmbr0
  comment: External network
`,
  resources: ({ name, comment }) => [interfacesComment(name, comment)],
})
