/** Mode and owner of what stands at a path. */
import type { Change } from './resource.ts'

/** Four octal digits, and `user:group`. */
export interface Access {
  readonly mode: string
  readonly owner: string
}

/** How the access of something that is there differs from what is wanted. */
export function accessChanges(present: Access, wanted: Access): readonly Change[] {
  return (['mode', 'owner'] as const).flatMap((what) =>
    present[what] === wanted[what] ? [] : [{ summary: `${what} ${present[what]} → ${wanted[what]}` }],
  )
}
