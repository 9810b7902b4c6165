/** Flags that the lab commands share. */
import { Flags } from '@oclif/core'

/** Which lab; several can run side by side. */
export const labNameFlag = Flags.string({
  summary: 'Name of the lab; labs of different names run side by side.',
  helpValue: 'NAME',
  env: 'PVECTL_LAB',
  default: 'lab',
})
