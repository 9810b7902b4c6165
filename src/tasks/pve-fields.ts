/** Names of Proxmox VE's access control (pve-access-control src/PVE/Auth/Plugin.pm, src/PVE/AccessControl.pm). */
import { z } from 'zod'

/** An account with its realm. */
export const userId = z
  .string()
  .regex(/^[^\s:/@,;][^\s:/,;]*@[A-Za-z][A-Za-z0-9._-]+$/, 'must be an account with its realm, such as alice@pve')
  .max(64)

/** A group. */
export const groupId = z.string().regex(/^[A-Za-z0-9._-]+$/, 'must consist of letters, digits, ., _ and -')

/** A role. */
export const roleId = z.string().regex(/^[A-Za-z0-9._-]+$/, 'must consist of letters, digits, ., _ and -')

/** An API token with its account. */
export const tokenId = z
  .string()
  .regex(
    /^[^\s:/@,;][^\s:/,;]*@[A-Za-z][A-Za-z0-9._-]+![A-Za-z][A-Za-z0-9._-]+$/,
    'must be a token, such as alice@pve!ci',
  )
