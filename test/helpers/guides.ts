/** What guides tell people to paste, for nodes that tests prepare by hand. */

/** The NAT stanza as common guides give it, with the blank line that PVE takes for its end. */
export const GUIDE_NAT = `
auto vmbr1
#private sub network
iface vmbr1 inet static
        address  10.10.10.1/24
        bridge-ports none
        bridge-stp off
        bridge-fd 0

        post-up   echo 1 > /proc/sys/net/ipv4/ip_forward
        post-up   iptables -t nat -A POSTROUTING -s '10.10.10.0/24' -o vmbr0 -j MASQUERADE
        post-down iptables -t nat -D POSTROUTING -s '10.10.10.0/24' -o vmbr0 -j MASQUERADE
`
