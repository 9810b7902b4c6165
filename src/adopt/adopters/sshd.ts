/** Adopts what was set of sshd, and names what was put into its main file. */
import { accountsRef } from '../../facts/accounts.ts'
import { fileAt } from '../../facts/file.ts'
import type { Model } from '../../facts/model.ts'
import { parseKeyLine } from '../../resources/key-line.ts'
import type { Adopter, AdoptView, Finding, LeftOver, Way } from '../adopter.ts'
import { draftFile, type OwnFile, ownFiles, placeFacts } from '../files.ts'
import { shownLine } from '../sensitive.ts'

const MAIN = '/etc/ssh/sshd_config'
const JUMP = /^\/etc\/ssh\/sshd_config\.d\/60-pvectl-(.+)\.conf$/
const KEYS = '/etc/ssh/pvectl-authorized-keys'
const PLACES = { directories: ['/etc/ssh/sshd_config.d', KEYS], files: [MAIN] }

/** `jump_user`, `file`. */
export const sshdAdopter: Adopter = {
  title: 'SSH',
  reads: [...placeFacts(PLACES), accountsRef, fileAt(MAIN)],
  adopt(view) {
    const files = ownFiles(view.model, PLACES).filter(({ path }) => path !== MAIN)
    const findings: Finding[] = []
    const leftOvers: LeftOver[] = []
    for (const file of files.filter(({ path }) => !path.startsWith(`${KEYS}/`))) {
      const jump = jumpUser(file, files)
      const draft = draftFile(view.host, file)
      if ('why' in draft) leftOvers.push(draft)
      else
        findings.push({ what: file.path, ways: jump === undefined ? [{ tasks: [draft] }] : [jump, { tasks: [draft] }] })
    }
    return { findings: [...findings, ...suggestions(view)], leftOvers: [...leftOvers, ...matchBlocks(view)] }
  },
}

/** The account that pvectl made for jumping. */
function jumpUser({ path, content }: OwnFile, files: readonly OwnFile[]): Way | undefined {
  const name = JUMP.exec(path)?.[1]
  if (name === undefined) return undefined
  const text = content?.toString('utf8') ?? ''
  const permitted = /^\s*PermitOpen\s+(.+)$/m.exec(text)?.[1]?.trim().split(/\s+/) ?? []
  const keyFile = files.find((file) => file.path === `${KEYS}/${name}`)
  const keys = (keyFile?.content?.toString('utf8') ?? '').split('\n').filter((line) => parseKeyLine(line) !== undefined)
  const exclusive = !/^\s*AuthorizedKeysFile\s.*\.ssh\/authorized_keys/m.test(text)
  const params = { name, keys, permit_open: permitted, ...(exclusive ? { exclusive } : {}) }
  return { tasks: [{ name: `Jump account ${name}`, type: 'jump_user', params }] }
}

/** What `jump_user` would be for users whom the main file restricts to some destinations. */
function suggestions({ model }: AdoptView): readonly Finding[] {
  const accounts = model.get(accountsRef)
  return blocksOf(model).flatMap(({ criteria, settings }): readonly Finding[] => {
    const name = /^User\s+([^\s,*?!]+)$/i.exec(criteria)?.[1]
    const permitted = settings.flatMap((line) => /^PermitOpen\s+(.+)$/i.exec(line)?.[1]?.split(/\s+/) ?? [])
    const account = accounts.find((each) => each.name === name)
    const keys = account?.authorizedKeys.split('\n').filter((line) => parseKeyLine(line)?.options === '') ?? []
    if (name === undefined || keys.length === 0 || permitted.length === 0) return []
    const params = { name, keys, permit_open: permitted }
    return [
      {
        what: `jump account ${name}`,
        ways: [{ tasks: [{ name: `Jump account ${name}`, type: 'jump_user', params }] }],
        otherwise: 'suggest',
      },
    ]
  })
}

interface MatchBlock {
  readonly criteria: string
  /** From 1. */
  readonly line: number
  readonly settings: readonly string[]
}

function blocksOf(model: Model): readonly MatchBlock[] {
  const state = model.get(fileAt(MAIN))
  const lines = state.type === 'file' ? state.content.toString('utf8').split('\n') : []
  return lines.flatMap((text, index) => {
    const criteria = /^\s*Match\s+(.*?)\s*$/i.exec(text)?.[1]
    if (criteria === undefined) return []
    const rest = lines.slice(index + 1)
    const end = rest.findIndex((line) => /^\s*Match\s/i.test(line))
    const settings = rest
      .slice(0, end < 0 ? undefined : end)
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'))
    return [{ criteria, line: index + 1, settings }]
  })
}

/** What stands in the main file for single users; the account itself and its keys have tasks of their own. */
function matchBlocks({ model }: AdoptView): readonly LeftOver[] {
  return blocksOf(model).map(({ criteria, line, settings }) => ({
    what: `\`Match ${criteria}\` (${MAIN}:${line})`,
    why: `no task describes single settings of that file: ${settings.map(shownLine).join('; ')}`,
  }))
}
