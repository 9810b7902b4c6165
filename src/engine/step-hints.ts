/** What to do about a step that failed, by what it printed. Pure. */

/** The first that fits counts; those about causes come before those about consequences. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/No space left on device|Disk quota exceeded/i, 'a file system is full; look with: df -h; df -i'],
  [
    /Read-only file system/i,
    'a file system is read-only, often after an error of the disk; look with: findmnt -o TARGET,OPTIONS | grep -w ro; dmesg | tail',
  ],
  [
    /dpkg was interrupted|dpkg --configure -a|unmet dependencies|broken packages/i,
    'packages are half installed; mend that on the node, then run again: dpkg --configure -a && apt-get -f install',
  ],
  [
    /Could not get lock|Unable to acquire the dpkg frontend lock|package manager is locked/i,
    'wait until that process has ended, then run again; if it hangs, look at it first: a killed dpkg leaves packages half installed',
  ],
  [
    /not valid yet|not yet valid|is not yet activated|certificate has expired|Release file .* expired/i,
    'the clock of the node may be off; compare: timedatectl; set it with: timedatectl set-ntp true',
  ],
  [
    /Temporary failure (?:in name resolution|resolving)|Could not resolve|Name or service not known/i,
    'the node cannot resolve names; look at /etc/resolv.conf there, and whether it reaches its DNS server',
  ],
  [
    /Unable to locate package|has no installation candidate/i,
    'no repository of the node has that package; look with: apt-get update; apt-cache policy NAME',
  ],
  [
    /401\s+Unauthorized/i,
    'an enterprise repository wants a subscription; disable it or add one (web interface: Updates → Repositories)',
  ],
  [/Operation not permitted/, 'is the file immutable? look with: lsattr FILE; chattr -i FILE lets it be changed'],
  [/Cannot allocate memory|Out of memory/i, 'the node is out of memory; look with: free -h; dmesg | grep -i oom'],
]

/** A hint for what a failed step printed; undefined when it says nothing known. */
export function stepHint(lines: readonly string[]): string | undefined {
  const text = lines.join('\n')
  return HINTS.find(([pattern]) => pattern.test(text))?.[1]
}
