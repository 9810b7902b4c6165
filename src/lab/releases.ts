/** Versions of Proxmox VE that nodes can be like. */

/** Debian releases by the major version of Proxmox VE that builds on them. */
export const RELEASES = { '8': 'bookworm', '9': 'trixie' } as const

/** Major version of Proxmox VE. */
export type PveVersion = keyof typeof RELEASES

/** Codename of a Debian release. */
export type Release = (typeof RELEASES)[PveVersion]
