/** Parameters of guests' network cards that several task types have. */
import { z } from 'zod'

/** A hardware address of one card, as PVE accepts it (pve-common, PVE::JSONSchema::pve_verify_mac_addr). */
export const unicastMac = z
  .string()
  .regex(
    /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/i,
    'must be the hardware address of one card, e.g. bc:24:11:aa:bb:cc: its second digit is even',
  )
  .transform((text) => text.toUpperCase())
