/** Wrong combinations of what the user asked `pvectl onboard` for, found before any node is contacted. */
import { PvectlError } from '../errors.ts'
import { ROW_IDS } from '../onboard/row.ts'
import { suggestion } from '../suggest.ts'

/** Throws USAGE for flags that do not go together, and for checks that nobody knows. */
export function assertOnboardFlags(
  flags: { readonly name?: string | undefined; readonly ignore?: readonly string[] | undefined },
  addresses: readonly string[],
): void {
  const twice = addresses.find((address, i) => addresses.indexOf(address) !== i)
  if (twice !== undefined) throw new PvectlError('USAGE', `${twice} is given twice`)
  if (flags.name !== undefined && addresses.length > 1) {
    throw new PvectlError('USAGE', '--name is for one node, and several are given', {
      hint: 'without it, each gets the name that it has',
    })
  }
  const unknown = (flags.ignore ?? []).find((id) => !(ROW_IDS as readonly string[]).includes(id))
  if (unknown !== undefined) {
    const hint = suggestion(unknown, ROW_IDS, 'checks', ROW_IDS.length)
    throw new PvectlError('USAGE', `--ignore: there is no check \`${unknown}\``, { hint })
  }
}
