/** Plays and tasks as read from files, before anything is rendered. */
import type { Location } from '../errors.ts'
import type { TaskType } from '../tasks/task-type.ts'
import type { DataPath, YamlDocument } from '../yaml/document.ts'
import type { Serial } from './job.ts'

/** A play of a file. */
export interface Play {
  readonly title: string
  readonly document: YamlDocument
  /** Path of the play in its document. */
  readonly path: DataPath
  /** Folder of the file; templates and files are looked for from there. */
  readonly dir: string
  /** Host pattern. */
  readonly hosts: string
  readonly serial: Serial
  /** See {@link Stage}. */
  readonly maxFailShare: number | undefined
  /** Variables, not rendered yet. */
  readonly vars: Readonly<Record<string, unknown>>
  readonly tasks: readonly PlayTask[]
}

/** A task of a play. */
export interface PlayTask {
  /** `2.3`: third task of the second play. */
  readonly id: string
  readonly name: string | undefined
  readonly type: TaskType
  /** Parameters as written. */
  readonly params: unknown
  /** Own tags and those of the play. */
  readonly tags: readonly string[]
  /** Conditions that must all hold. */
  readonly when: readonly Condition[]
  /** List, or text that comes to one; undefined without a loop. */
  readonly loop: unknown
  /** Path of the task in its document. */
  readonly path: DataPath
  readonly location: Location
}

/** One condition of a task. */
export interface Condition {
  readonly value: string | boolean
  readonly path: DataPath
}
