/** Reading one table of iptables or ip6tables, without making the kernel load it. */
import { type Script, sh } from '../connection/script.ts'
import type { IpFamily } from '../net/ip-cidr.ts'

/** Printed in the place of a table that could not be read; what was said about it stands above. */
export const SAVE_FAILED = '! failed'

/** Printed where the program is not installed. */
export const SAVE_MISSING = '! missing'

/**
 * Prints a table as iptables-save does. iptables-nft-save creates no table (seen on a node without any), while the
 * legacy one would load the module of the table, so that runs only where the table is there already.
 */
export function saveTable(family: IpFamily, table: 'filter' | 'nat' | 'raw'): Script {
  const save = family === 6 ? 'ip6tables-save' : 'iptables-save'
  const names = family === 6 ? '/proc/net/ip6_tables_names' : '/proc/net/ip_tables_names'
  return sh`pv_save=$(command -v ${save}) || pv_save=
if [ ! "$pv_save" -ef /usr/sbin/xtables-nft-multi ]; then
	case $(readlink -f "$pv_save") in
	'') echo ${SAVE_MISSING}; pv_save=: ;;
	*legacy*) grep -qx ${table} ${names} 2>/dev/null || pv_save=: ;;
	esac
fi
"$pv_save" -t ${table} || echo ${SAVE_FAILED}`
}
