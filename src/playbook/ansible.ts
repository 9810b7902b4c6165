/** Hints for people who bring Ansible playbooks along. */

const PLAY_KEYS: Readonly<Record<string, string>> = {
  gather_facts: 'remove it: pvectl always observes what the tasks need',
  become: 'remove it; `become: true` belongs into the inventory',
  become_user: 'remove it: tasks run as root',
  remote_user: 'write `user:` in the inventory',
  connection: 'remove it; how to connect is said in the inventory',
  roles: 'there are no roles; write tasks, or import_playbook',
  handlers: 'there are no handlers: a task restarts its service when its files have changed',
  vars_files: 'put the variables into group_vars of the inventory, or give them by -e @FILE',
  pre_tasks: 'put them first into `tasks:`',
  post_tasks: 'put them last into `tasks:`',
  host: 'write `hosts:`',
  task: 'write `tasks:`',
}

const TASK_KEYS: Readonly<Record<string, string>> = {
  notify: 'remove it: a task restarts its service when its files have changed',
  handlers: 'there are no handlers: a task restarts its service when its files have changed',
  register: 'results of tasks are not available to others',
  become: 'remove it: tasks run as root; `become: true` belongs into the inventory',
  with_items: 'write `loop:`',
  with_dict: 'write `loop: "<%= Object.entries(…) %>"`',
  loop_control: 'remove it; the index is `loop_index`',
  block: 'there are no blocks; write the tasks one after the other',
  include_tasks: 'use import_playbook between plays',
  import_tasks: 'use import_playbook between plays',
  include_role: 'there are no roles; use import_playbook between plays',
  import_role: 'there are no roles; use import_playbook between plays',
  delegate_to: 'every task runs on its own host',
  run_once: 'give the play one host',
  ignore_errors: 'a failed task ends the run of its host',
  changed_when: 'remove it: what changes is worked out from the state of the node',
  failed_when: 'remove it',
  vars: 'variables belong to the play or the inventory',
  environment: 'not available',
  args: 'put the parameters below the task type',
}

const MODULES: Readonly<Record<string, string>> = {
  apt: 'package',
  copy: 'file',
  systemd: 'service',
  systemd_service: 'service',
  shell: 'command',
  iptables: 'masquerade',
}

/** What to write instead of a key of a play. */
export function playKeyHint(key: string): string | undefined {
  return Object.hasOwn(PLAY_KEYS, key) ? PLAY_KEYS[key] : undefined
}

/** What to write instead of a key of a task. */
export function taskKeyHint(key: string): string | undefined {
  return Object.hasOwn(TASK_KEYS, key) ? TASK_KEYS[key] : undefined
}

/** The task type that does what a module of Ansible does, if `known` has it. */
export function moduleHint(key: string, known: readonly string[]): string | undefined {
  const module = key.replace(/^(ansible|community)\.\w+\./, '')
  const candidates = [module, Object.hasOwn(MODULES, module) ? MODULES[module] : undefined]
  const own = candidates.find((name) => name !== undefined && name !== key && known.includes(name))
  return own === undefined ? undefined : `the task type for that is \`${own}\``
}
