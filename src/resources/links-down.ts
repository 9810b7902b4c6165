/** A change for which a link has to be down for a moment, with what goes with that put back. */
import { type Script, sh } from '../connection/script.ts'
import { type LinksState, linksAbove } from '../facts/links.ts'

/**
 * Runs `change` while the link is down. Taking it down drops routes that leave by it or by what is built on it, and
 * IPv6 addresses; those that were there before are put back.
 */
export function whileDown(name: string, links: LinksState, change: Script): Script {
  const above = linksAbove(links, name)
  return sh`pv_r4=$(ip -4 route show table main) pv_r6=$(ip -6 route show table main)
pv_a6=$(for l in ${above}; do ip -6 -o addr show dev "$l" scope global 2>/dev/null | grep -v dynamic | awk '{print $2, $4}'; done)
ip link set ${name} down
${change}
ip link set ${name} up
echo "$pv_a6" | while read -r l a; do [ -z "$a" ] || ip -6 addr replace "$a" dev "$l"; done
for v in 4 6; do
	if [ $v = 4 ]; then pv_r=$pv_r4; else pv_r=$pv_r6; fi
	echo "$pv_r" | sed 's/ linkdown//' | while IFS= read -r r; do
		set -f
		[ -z "$r" ] || ip -$v route show table main | grep -qxF "$r" || ip -$v route replace $r 2>/dev/null || :
	done
done`
}
