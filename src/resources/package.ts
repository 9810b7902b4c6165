/** Debian packages. */
import { rawScript, sh } from '../connection/script.ts'
import { becomes, type FactRef, type FactUpdate } from '../facts/fact.ts'
import { packageAccounts } from '../facts/installation.ts'
import { packageNamed } from '../facts/package.ts'
import { socketsRef } from '../facts/sockets.ts'
import { unitNamed } from '../facts/unit.ts'
import { OK, type Plan, type Resource } from './resource.ts'

/** A package and what it is known to bring, so that later tasks can be planned before it is there. */
export interface PackageDesired {
  readonly name: string
  readonly state: 'present' | 'absent'
  /**
   * Units of the package. They are held back while it is installed (runtime mask, gone after a reboot), so that no
   * daemon ever runs with the package's default configuration; a `unit` resource starts them.
   */
  readonly units?: readonly string[]
  /** Other facts that the installation is known to bring about. */
  readonly brings?: readonly FactUpdate[]
}

/** Ensures that a package is installed or not. Several tasks may ask for the same package. */
export function debianPackage(desired: PackageDesired): Resource {
  const ref = packageNamed(desired.name)
  const units = (desired.units ?? []).map(unitNamed)
  return {
    kind: 'package',
    key: `package:${desired.name}`,
    title: `package ${desired.name}${desired.state === 'absent' ? ' absent' : ''}`,
    shared: true,
    reads: [ref, ...units, ...(desired.brings ?? []).map((update) => update.ref)],
    plan(model) {
      const state = model.get(ref)
      if (state.installed === (desired.state === 'present')) return OK
      return desired.state === 'present' ? install(desired) : remove(desired.name, state.version)
    },
  }
}

// An enterprise repository without subscription makes `apt-get update` fail while the others are fine.
const APT = rawScript(
  'apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=10 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold',
)

/**
 * Waits a minute for another package manager to end, then fails naming it. apt's own waiting knows one of its locks
 * only, and would be gone through twice.
 */
const FREE = rawScript(`pv_n=0
while pv_by=$(pv_holders /var/lib/dpkg/lock-frontend; pv_holders /var/lib/dpkg/lock; pv_holders /var/lib/apt/lists/lock); [ -n "$pv_by" ]; do
	[ $pv_n -gt 0 ] || echo "waiting for the package manager, which is locked$pv_by"
	[ $pv_n -lt 60 ] || pv_fail "the package manager is locked$pv_by, for more than a minute; nothing was installed or removed"
	sleep 1
	pv_n=$((pv_n+1))
done`)

function install({ name, units = [], brings = [] }: PackageDesired): Plan {
  return {
    kind: 'change',
    changes: [{ summary: `install ${name}` }],
    script: sh`export DEBIAN_FRONTEND=noninteractive
${FREE}
pv_held=
for u in ${units}; do
	systemctl cat "$u" >/dev/null 2>&1 || { systemctl mask -q --runtime "$u" 2>/dev/null && pv_held="$pv_held $u"; }
done
trap '[ -z "$pv_held" ] || systemctl unmask -q --runtime $pv_held' EXIT
apt-cache show --no-all-versions ${name} >/dev/null 2>&1 || apt-get -q update || :
${APT} install ${name} || { apt-get -q update || :; ${APT} install ${name}; }`,
    after: [
      becomes(packageNamed(name), { installed: true, version: '(new)' }),
      ...units.map((unit) =>
        becomes(unitNamed(unit), {
          load: 'loaded',
          active: 'inactive',
          // A masked unit can't be enabled by the package's own scripts either.
          enabled: 'disabled',
          activeSince: 0,
          changedAt: 0,
          needsDaemonReload: false,
        }),
      ),
      ...brings,
    ],
    disturbs: [packageAccounts],
  }
}

function remove(name: string, version: string | undefined): Plan {
  return {
    kind: 'change',
    changes: [{ summary: `remove ${name}${version === undefined ? '' : ` ${version}`}` }],
    script: sh`export DEBIAN_FRONTEND=noninteractive
${FREE}
${APT} remove ${name}`,
    after: [becomes(packageNamed(name), { installed: false })],
    disturbs: [socketsRef as FactRef<unknown>],
  }
}
