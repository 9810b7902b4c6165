/** `file`: a file, directory or symbolic link. */
import { z } from 'zod'
import { directory } from '../resources/directory.ts'
import { fileAbsent, file as fileResource } from '../resources/file.ts'
import type { Resource } from '../resources/resource.ts'
import { symlink } from '../resources/symlink.ts'
import { checkWith, fileMode, fileOwner, filePath, fourDigits, validateCommand } from './file/fields.ts'
import { defineTask, type HostContext } from './task-type.ts'

const params = z
  .strictObject({
    path: filePath.describe('Absolute path on the node. Missing directories above it are made.'),
    state: z
      .enum(['present', 'absent', 'directory', 'link'])
      .default('present')
      .describe(
        '`present`: a regular file with `content` or `source`; `absent`: no file or link; `directory`; `link`: a symbolic link.',
      ),
    content: z.string().optional().describe('Content of the file, as text.'),
    source: z
      .string()
      .min(1)
      .optional()
      .describe('File on the controller with the content, relative to the playbook. Copied byte for byte.'),
    target: z.string().min(1).optional().describe('What a `link` leads to, as an absolute path.'),
    mode: fileMode,
    owner: fileOwner,
    sensitive: z.boolean().default(false).describe('Never show the content: the plan says only that it differs.'),
    validate: validateCommand,
  })
  .superRefine((value, context) => {
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    const file = value.state === 'present'
    const link = value.state === 'link'
    if (file && (value.content === undefined) === (value.source === undefined))
      issue('content', 'or `source`: exactly one of the two says what is in the file')
    if (link && value.target === undefined) issue('target', 'is missing: where does the link lead?')
    if (link && value.target !== undefined && !value.target.startsWith('/')) issue('target', 'must be an absolute path')
    const misplaced = [
      ...(file ? [] : (['content', 'source', 'validate'] as const)),
      ...(link ? [] : (['target'] as const)),
      ...(link || value.state === 'absent' ? (['mode', 'owner'] as const) : []),
    ].filter((field) => value[field] !== undefined)
    for (const field of misplaced) issue(field, `does not go with \`state: ${value.state}\``)
    if (value.state === 'directory' && holdsKeys(value.path))
      for (const [field, problem] of keyFolderProblems(value)) issue(field, problem)
  })

/** What sshd looks at before it believes a key of root, or of another account (StrictModes of sshd_config(5)). */
function holdsKeys(path: string): boolean {
  return /^\/root\/?$|\/\.ssh\/?$/.test(path)
}

/** No timer puts back the mode of a directory, so what would lock out is refused. */
function keyFolderProblems({
  path,
  mode,
  owner,
}: {
  path: string
  mode?: string | undefined
  owner?: string | undefined
}) {
  const isOpen = mode !== undefined && (Number.parseInt(mode, 8) & 0o022) !== 0
  const isForeign = owner !== undefined && path.startsWith('/root') && !/^root:/.test(owner)
  return [
    ...(isOpen ? [['mode', 'must let nobody but the owner write, or sshd takes no key from there'] as const] : []),
    ...(isForeign ? [['owner', "must be root's, or sshd takes no key from there"] as const] : []),
  ]
}

/** A file, directory or link on the node. */
export const fileTask = defineTask({
  name: 'file',
  summary: 'a file, directory or symbolic link, or none',
  params,
  example: `file:
  path: /etc/motd
  content: |
    Managed by pvectl.
`,
  resources: (desired, host) => [resource(desired, host)],
})

function resource(desired: z.output<typeof params>, host: HostContext): Resource {
  const { path, owner } = desired
  const mode = fourDigits(desired.mode)
  switch (desired.state) {
    case 'absent':
      return fileAbsent(path)
    case 'directory':
      return directory(path, { mode, owner })
    case 'link':
      return symlink(path, desired.target ?? '')
    case 'present': {
      const content = desired.source === undefined ? Buffer.from(desired.content ?? '') : host.readFile(desired.source)
      return fileResource({
        path,
        content,
        mode,
        owner,
        sensitive: desired.sensitive,
        validate: checkWith(desired.validate, path),
      })
    }
  }
}
