/** Sets of VLANs: `2-4094`, `10 20 100-200`. */

/** VLANs from one to another, both included. */
export interface VidRange {
  readonly from: number
  readonly to: number
}

/** What PVE writes for a VLAN-aware bridge when nothing is said. VLAN 1 is what untagged frames get. */
export const ALL_VIDS: readonly VidRange[] = [{ from: 2, to: 4094 }]

/** Reads a list that blanks or commas divide; undefined when a part is no VLAN (1 to 4094) nor range of such. */
export function parseVids(text: string): readonly VidRange[] | undefined {
  const parts = text.split(/[\s,;]+/).filter((part) => part !== '')
  const ranges = parts.map(parseRange)
  return parts.length === 0 || ranges.includes(undefined)
    ? undefined
    : mergeVids(ranges.filter((range) => range !== undefined))
}

/** `10 20 100-200`: as few parts as possible, in order, divided by blanks as both readers want it. */
export function formatVids(vids: readonly VidRange[]): string {
  return mergeVids(vids)
    .map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`))
    .join(' ')
}

/** The same set in order, with neighbours joined. */
export function mergeVids(vids: readonly VidRange[]): readonly VidRange[] {
  const merged: VidRange[] = []
  for (const range of [...vids].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1)
    if (last !== undefined && range.from <= last.to + 1)
      merged.splice(-1, 1, { from: last.from, to: Math.max(last.to, range.to) })
    else merged.push(range)
  }
  return merged
}

/** Those of `vids` that `others` does not have. */
export function vidsWithout(vids: readonly VidRange[], others: readonly VidRange[]): readonly VidRange[] {
  return others.reduce<readonly VidRange[]>(
    (rest, { from, to }) =>
      rest.flatMap((range) =>
        [
          { from: range.from, to: Math.min(range.to, from - 1) },
          { from: Math.max(range.from, to + 1), to: range.to },
        ].filter((part) => part.from <= part.to),
      ),
    mergeVids(vids),
  )
}

/** True when a text says the same set; text that is no list does not. */
export function sameVids(text: string | undefined, vids: readonly VidRange[]): boolean {
  const read = text === undefined ? undefined : parseVids(text)
  return read !== undefined && formatVids(read) === formatVids(vids)
}

function parseRange(text: string): VidRange | undefined {
  const [, first = '', last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(text) ?? []
  const range = { from: Number(first), to: Number(last) }
  return first !== '' && range.from >= 1 && range.from <= range.to && range.to <= 4094 ? range : undefined
}
