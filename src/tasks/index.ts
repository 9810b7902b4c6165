/** The one list of task types. A new one needs its own file and a line here. */
import { file } from './file.ts'
import { nginxVhost } from './nginx-vhost.ts'
import type { TaskType } from './task-type.ts'
import { template } from './template.ts'

/** All task types, by name. */
export const TASK_TYPES: readonly TaskType[] = [file, nginxVhost, template]
