/** Every generated file that is kept in the repository. */
import { taskTypes } from '../../src/tasks/index.ts'
import { inventoryJsonSchema, playbookJsonSchema } from './json-schemas.ts'
import { taskReferenceMarkdown } from './task-reference.ts'

/** Path from the root of the repository to the content that the file must have. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['schemas/inventory.schema.json', json(inventoryJsonSchema())],
    ['schemas/playbook.schema.json', json(playbookJsonSchema(taskTypes))],
    ['docs/tasks.md', taskReferenceMarkdown(taskTypes)],
  ])
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
