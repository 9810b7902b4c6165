/** Template files: where they are looked for, and rendering them. */
import { isUtf8 } from 'node:buffer'
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { type Location, PvectlError } from '../errors.ts'
import { packageRoot } from '../package-root.ts'
import { displayPath } from '../yaml/display-path.ts'
import { utf8Text } from '../yaml/utf8.ts'
import { compileText, type Included, type Locals } from './engine.ts'
import { ReportedProblem, TemplateProblem } from './problem.ts'

/** Surroundings of the search for templates. */
export interface TemplateFilesOptions {
  readonly cwd: string
  /** Default `process.env`; `XDG_CONFIG_HOME` counts. */
  readonly env?: NodeJS.ProcessEnv
}

/**
 * Folders in which templates are looked for, first to last: `templates/` beside the playbook, beside the playbook's
 * folder, in the working directory, in the configuration of the user, and the shipped ones.
 */
export function templateFolders(
  playbookDir: string,
  { cwd, env = process.env }: TemplateFilesOptions,
): readonly string[] {
  const config = env.XDG_CONFIG_HOME || path.join(homedir(), '.config')
  const folders = [
    path.join(playbookDir, 'templates'),
    path.join(playbookDir, '../templates'),
    path.join(cwd, 'templates'),
    path.join(config, 'pvectl/templates'),
    path.join(packageRoot(), 'templates'),
  ]
  return [...new Set(folders.map((folder) => path.resolve(folder)))]
}

interface Found {
  readonly file: string
  /** Includes must not leave this folder. */
  readonly folder: string
  readonly source: string
}

/** Finds, compiles and renders template files; each is read and compiled once. */
export class TemplateFiles {
  readonly #options: TemplateFilesOptions
  readonly #found = new Map<string, Found>()
  readonly #compiled = new Map<string, (locals: Locals) => string>()

  constructor(options: TemplateFilesOptions) {
    this.#options = options
  }

  /** Renders a template. Throws TEMPLATE_MISSING or TEMPLATE_FAILED with file and line. */
  render(name: string, locals: Locals, playbookDir: string): string {
    const found = this.#find(name, playbookDir)
    try {
      return this.#compile(found, Object.keys(locals).sort())(locals)
    } catch (error) {
      if (!(error instanceof TemplateProblem) || error instanceof ReportedProblem) throw error
      const { reason, hint } = error
      const location = this.#location(error, found.file)
      throw new PvectlError('TEMPLATE_FAILED', reason, {
        location,
        cause: error,
        ...(hint === undefined ? {} : { hint }),
      })
    }
  }

  #find(name: string, playbookDir: string): Found {
    const key = `${playbookDir}\0${name}`
    const known = this.#found.get(key)
    if (known !== undefined) return known
    const folders = templateFolders(playbookDir, this.#options)
    const names = name.endsWith('.ejs') ? [name] : [name, `${name}.ejs`]
    const tried = folders.flatMap((folder) => names.map((each) => ({ folder, file: path.resolve(folder, each) })))
    const hit = tried.find(({ folder, file }) => isInside(folder, file) && isFile(file))
    if (hit === undefined) throw this.#missing(name, tried)
    const found = { ...hit, source: this.#read(hit.file) }
    this.#found.set(key, found)
    return found
  }

  #read(file: string): string {
    return utf8Text(readFileSync(file), displayPath(file, this.#options.cwd), 'TEMPLATE_FAILED').replace(/^\uFEFF/, '')
  }

  #compile({ file, folder, source }: Found, names: readonly string[]): (locals: Locals) => string {
    const key = `${file}\0${names.join(',')}`
    const known = this.#compiled.get(key)
    if (known !== undefined) return known
    const compiled = compileText(source, { names, file, include: (name, resolved) => include(name, resolved, folder) })
    this.#compiled.set(key, compiled)
    return compiled
  }

  #location({ place }: TemplateProblem, file: string): Location {
    const shown = displayPath(place?.file ?? file, this.#options.cwd)
    return place === undefined ? { file: shown } : { file: shown, line: place.line }
  }

  #missing(name: string, tried: readonly { readonly folder: string; readonly file: string }[]): PvectlError {
    const outside = tried.every(({ folder, file }) => !isInside(folder, file))
    if (outside) {
      return new PvectlError('TEMPLATE_MISSING', `\`${name}\` leads out of the folders for templates`, {
        hint: 'give a name relative to one of the `templates` folders',
      })
    }
    const files = tried.map(({ file }) => displayPath(file, this.#options.cwd))
    return new PvectlError('TEMPLATE_MISSING', `there is no template \`${name}\``, {
      hint: `tried ${files.join(', ')}`,
    })
  }
}

/** Reads an include, which must not leave the folder of templates that the including file is in. */
function include(name: string, file: string | undefined, folder: string): Included {
  if (file === undefined || !isFile(file)) {
    throw new TemplateProblem(`include('${name}'): there is no such file beside the template`)
  }
  if (!isInside(realpathSync(folder), realpathSync(file))) {
    throw new TemplateProblem(`include('${name}') leads out of the folder ${folder}`)
  }
  const bytes = readFileSync(file)
  if (!isUtf8(bytes)) throw new TemplateProblem(`include('${name}'): the file is not UTF-8 text`)
  return { file, source: bytes.toString('utf8') }
}

function isInside(folder: string, file: string): boolean {
  const relative = path.relative(folder, file)
  return relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative)
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true
}
