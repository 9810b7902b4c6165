/** Services, as adopters describe them: however they are, the first way that fits is taken. */
import type { Finding, TaskDraft, Way } from './adopter.ts'

/** A service with the files that it reads; `verb` says what a change of those is to bring about. */
export function serviceFinding(name: string, files: readonly string[], verb: 'restart_on' | 'reload_on'): Finding {
  const watch = files.length === 0 ? [] : [{ [verb]: files }]
  const states = [
    { state: 'started', enabled: true },
    { state: 'started', enabled: false },
    { state: 'stopped', enabled: true },
    { state: 'stopped', enabled: false },
    { state: 'started' },
    { state: 'stopped' },
  ]
  const what = `${verb === 'restart_on' ? 'restart' : 'reload'} of ${name} when its files change`
  const watching = watch.flatMap((more) => states.map((state): Way => ({ tasks: [task(name, { ...state, ...more })] })))
  const plain = states.map((state, i): Way => {
    const fuller = watching[i]
    return { tasks: [task(name, state)], ...(fuller === undefined ? {} : { partial: { what, fuller } }) }
  })
  const ways = [...watching, ...plain]
  const [first = { tasks: [task(name, { state: 'started' })] }, ...others] = ways
  return { what: `service ${name}`, ways: [first, ...others] }
}

/** Whether a service starts at boot, and nothing of whether it runs. */
export function enabledFinding(name: string): Finding {
  const way = (enabled: boolean): Way => ({ tasks: [task(name, { enabled })] })
  return { what: `service ${name}`, ways: [way(true), way(false)], otherwise: 'silent' }
}

function task(name: string, params: TaskDraft['params']): TaskDraft {
  return { name: `Service ${name}`, type: 'service', params: { name, ...params } }
}
