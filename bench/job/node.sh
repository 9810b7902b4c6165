#!/bin/sh
# The benchmark's job as one hand-written idempotent script: what a careful admin pipes through `ssh NODE sh`.
# CHECK=1 only says what differs.
set -eu
BRIDGE=vmbr1 ADDRESS=10.20.0.1 NET=10.20.0.0/24 OUT=vmbr0 DOMAIN=bench.internal
KEY='ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFAwN3GQ0aJ8X3m0W4Vd1d1cYQ0cZ6cFq5m0Jw0c2w0b bench'
check=${CHECK:-}

say() { echo "$1: $2"; }
# put PATH MODE: content by standard input; true when it changed something
put() {
	new=$(cat)
	if [ -f "$1" ] && [ "$(cat "$1")" = "$new" ]; then return 1; fi
	say changed "$1"
	[ -z "$check" ] || return 1
	mkdir -p "${1%/*}"
	printf '%s\n' "$new" >"$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"
}
active() { systemctl is-active -q "$1" && systemctl is-enabled -q "$1" 2>/dev/null; }
installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

# bridge
if ! grep -q "^iface $BRIDGE " /etc/network/interfaces; then
	say changed /etc/network/interfaces
	[ -n "$check" ] || {
		{
			cat /etc/network/interfaces
			cat <<E

auto $BRIDGE
iface $BRIDGE inet static
	address $ADDRESS/24
	bridge-ports none
	bridge-stp off
	bridge-fd 0
	post-up iptables -t nat -C POSTROUTING -s $NET -o $OUT -j MASQUERADE 2>/dev/null || iptables -t nat -A POSTROUTING -s $NET -o $OUT -j MASQUERADE
	post-down iptables -t nat -D POSTROUTING -s $NET -o $OUT -j MASQUERADE || true
E
		} >/etc/network/interfaces.next
		mv /etc/network/interfaces.next /etc/network/interfaces
	}
fi
if ! ip -4 -o addr show dev $BRIDGE 2>/dev/null | grep -q " $ADDRESS/24 "; then
	say changed "link $BRIDGE"
	[ -n "$check" ] || ifup $BRIDGE
fi

# forwarding
echo 'net.ipv4.ip_forward = 1' | put /etc/sysctl.d/99-forwarding.conf 644 || :
if [ "$(cat /proc/sys/net/ipv4/ip_forward)" != 1 ]; then
	say changed net.ipv4.ip_forward
	[ -n "$check" ] || echo 1 >/proc/sys/net/ipv4/ip_forward
fi

# NAT, live
if ! iptables -t nat -C POSTROUTING -s $NET -o $OUT -j MASQUERADE 2>/dev/null; then
	say changed MASQUERADE
	[ -n "$check" ] || iptables -t nat -A POSTROUTING -s $NET -o $OUT -j MASQUERADE
fi

# dnsmasq
installed dnsmasq || {
	say changed 'package dnsmasq'
	[ -n "$check" ] || DEBIAN_FRONTEND=noninteractive apt-get install -qy dnsmasq >/dev/null
}
if put /etc/dnsmasq.d/$BRIDGE.conf 644 <<E; then
interface=$BRIDGE
except-interface=lo
bind-dynamic
domain-needed
bogus-priv
domain=$DOMAIN
local=/$DOMAIN/
expand-hosts
dhcp-authoritative
dhcp-range=10.20.0.100,10.20.0.200,255.255.255.0,12h
dhcp-option=option:router,$ADDRESS
dhcp-option=option:dns-server,$ADDRESS
dhcp-host=bc:24:11:00:00:10,10.20.0.10,web1
E
	dnsmasq --test -C /etc/dnsmasq.d/$BRIDGE.conf 2>/dev/null
	systemctl enable -q dnsmasq
	systemctl restart dnsmasq
elif ! active dnsmasq; then
	say changed dnsmasq.service
	[ -n "$check" ] || systemctl enable -q --now dnsmasq
fi

# nginx
installed nginx || {
	say changed 'package nginx'
	[ -n "$check" ] || DEBIAN_FRONTEND=noninteractive apt-get install -qy nginx >/dev/null
}
web=
if [ ! -f /etc/ssl/bench/key.pem ]; then
	say changed /etc/ssl/bench
	[ -n "$check" ] || {
		mkdir -p /etc/ssl/bench
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 -subj /CN=apps.example.org \
			-addext 'subjectAltName=DNS:*.apps.example.org' -keyout /etc/ssl/bench/key.pem -out /etc/ssl/bench/cert.pem 2>/dev/null
		chmod 600 /etc/ssl/bench/key.pem
		web=1
	}
fi
if put /etc/nginx/sites-available/wildcard 644 <<'E'; then web=1; fi
server {
	listen 80;
	server_name *.apps.example.org;
	return 301 https://$host$request_uri;
}
server {
	listen 443 ssl;
	server_name "~^(?<vm>[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)\.apps\.example\.org$";
	ssl_certificate /etc/ssl/bench/cert.pem;
	ssl_certificate_key /etc/ssl/bench/key.pem;
	location / {
		resolver 10.20.0.1 valid=10s ipv6=off;
		set $u $vm.bench.internal;
		proxy_pass http://$u:80;
		proxy_set_header Host $host;
	}
}
E
if [ "$(readlink /etc/nginx/sites-enabled/wildcard 2>/dev/null)" != /etc/nginx/sites-available/wildcard ]; then
	say changed sites-enabled/wildcard
	[ -n "$check" ] || { ln -sfn /etc/nginx/sites-available/wildcard /etc/nginx/sites-enabled/wildcard && web=1; }
fi
if [ -n "$web" ]; then
	nginx -t -q
	systemctl enable -q nginx
	systemctl reload-or-restart nginx
elif ! active nginx; then
	say changed nginx.service
	[ -n "$check" ] || systemctl enable -q --now nginx
fi

# jump user
getent passwd jump >/dev/null || {
	say changed 'user jump'
	[ -n "$check" ] || useradd -r -M -d /nonexistent -s /usr/sbin/nologin jump
}
echo "$KEY" | put /etc/ssh/jump_keys 644 || :
if put /etc/ssh/sshd_config.d/60-jump.conf 644 <<E; then
Match User jump
    AuthorizedKeysFile /etc/ssh/jump_keys
    AllowTcpForwarding local
    AllowAgentForwarding no
    X11Forwarding no
    PermitTunnel no
    PermitOpen 10.20.0.10:22
    PermitTTY no
    ForceCommand /usr/sbin/nologin
E
	sshd -t && systemctl reload ssh
fi
