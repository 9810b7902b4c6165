/** What a site of nginx comes to as parameters of the `nginx_vhost` task. */
import type { ParamValue } from './adopter.ts'

/** Parameters of a site; the caller adds what is not in its file. */
export type SiteParams = Readonly<Record<string, ParamValue>>

/** Reads a file of sites-available; undefined when it is no proxy of one kind that the task knows. */
export function readSite(path: string, text: string): SiteParams | undefined {
  const site = new SiteReader(text.replace(/(^|\s)#[^\n]*/g, '$1'))
  const own = site.kind()
  if (own === undefined) return undefined
  const name = /\/pvectl-(.+)\.conf$/.exec(path)?.[1]
  const params = { ...own, ...site.common() }
  return name === undefined || name === defaultName(params) ? params : { name, ...params }
}

function defaultName({ server_names: names, wildcard, reject_unknown: rejects }: SiteParams): ParamValue | undefined {
  if (rejects === true) return 'unknown-names'
  if (wildcard !== undefined) return `wildcard-${(wildcard as { readonly domain: string }).domain}`
  return Array.isArray(names) ? (names as readonly string[])[0] : undefined
}

class SiteReader {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  kind(): SiteParams | undefined {
    if (/\breturn\s+444\s*;/.test(this.#text)) return { reject_unknown: true }
    const proxies = this.#all('proxy_pass')
    const locations = this.#text.match(/\blocation\s/g) ?? []
    const [target = ''] = proxies
    if (proxies.length !== 1 || locations.length !== 1) return undefined
    const names = this.#names()
    if (/^https:\/\/(127\.0\.0\.1|localhost):8006\/?$/.test(target)) return named(names, { pve: true })
    const wildcard = this.#wildcard(target)
    if (wildcard !== undefined) return { wildcard }
    const upstream = this.#upstream(target)
    return upstream === undefined ? undefined : named(names, { upstream })
  }

  common(): SiteParams {
    const listens = this.#all('listen')
    const [certificate, key] = [this.#one('ssl_certificate'), this.#one('ssl_certificate_key')]
    const isOwn = certificate?.startsWith('/etc/nginx/pvectl/') === true
    const port = (ssl: boolean) => {
      const found = listens.find((text) => /\bssl\b/.test(text) === ssl && !text.startsWith('['))
      const number = /^(?:[\d.*]+:)?(\d+)\b/.exec(found ?? '')?.[1]
      return number === undefined || Number(number) === (ssl ? 443 : 80) ? undefined : Number(number)
    }
    const [http, https] = [port(false), port(true)]
    const size = this.#one('client_max_body_size')
    const allow = this.#all('allow')
    const isSsl = listens.some((text) => /\bssl\b/.test(text))
    return {
      ...(certificate === undefined || key === undefined
        ? {}
        : { tls: isOwn ? { self_signed: true } : { certificate, key } }),
      ...(certificate !== undefined && !/\breturn\s+301\s+https:/.test(this.#text) ? { redirect: false } : {}),
      ...(http === undefined ? {} : { http_port: http }),
      ...(https === undefined ? {} : { https_port: https }),
      ...(listens.some((text) => text.startsWith('[')) ? {} : { listen_ipv6: false }),
      ...(isSsl && !/\bhttp2\b/.test(this.#text) ? { http2: false } : {}),
      ...(size === undefined || size === '0' ? {} : { client_max_body_size: size }),
      ...(allow.length === 0 ? {} : { allow }),
    }
  }

  #wildcard(target: string): ParamValue | undefined {
    const [, scheme, port] = /^(https?):\/\/\$pvectl_guest:(\d+)$/.exec(target) ?? []
    const domain = /~\^\(\?<vm>.*\)\\\.(.+)\$"?$/.exec(this.#one('server_name') ?? '')?.[1]
    const internal = /\bset\s+\$pvectl_guest\s+"\$\{vm\}\.([^"]+)"/.exec(this.#text)?.[1]
    const resolver = this.#one('resolver')?.split(' ')[0]
    if (scheme === undefined || domain === undefined || internal === undefined || resolver === undefined)
      return undefined
    return {
      domain: domain.replaceAll('\\', ''),
      internal_domain: internal,
      resolver,
      ...(Number(port) === (scheme === 'https' ? 443 : 80) ? {} : { port: Number(port) }),
      ...this.#transport(scheme),
    }
  }

  #upstream(target: string): ParamValue | undefined {
    const [, scheme = '', host = '', port] = /^(https?):\/\/([^/:$]+)(?::(\d+))?\/?$/.exec(target) ?? []
    if (host === '') return undefined
    const block = new RegExp(`\\bupstream\\s+${host.replaceAll('.', '\\.')}\\s*\\{([^}]*)\\}`).exec(this.#text)?.[1]
    const servers = [...(block ?? '').matchAll(/\bserver\s+([^;\s]+)\s*;/g)].map(([, server = '']) => server)
    const single = `${host}:${port ?? (scheme === 'https' ? 443 : 80)}`
    if (block !== undefined && servers.length === 0) return undefined
    return { servers: block === undefined ? [single] : servers, ...this.#transport(scheme) }
  }

  #transport(scheme: string): Readonly<Record<string, ParamValue>> {
    const websocket = /\bproxy_set_header\s+Upgrade\b/i.test(this.#text)
    return { ...(scheme === 'https' ? { scheme } : {}), ...(websocket ? {} : { websocket: false }) }
  }

  #names(): readonly string[] {
    const names = this.#all('server_name').flatMap((text) => text.split(/\s+/))
    return [...new Set(names)].filter((name) => name !== '_' && name !== '""')
  }

  #one(directive: string): string | undefined {
    return this.#all(directive)[0]
  }

  #all(directive: string): readonly string[] {
    return [...this.#text.matchAll(new RegExp(`(?:^|[\\s{;])${directive}\\s+([^;]+);`, 'g'))].map(([, value = '']) =>
      value.trim().replace(/\s+/g, ' '),
    )
  }
}

function named(names: readonly string[], more: SiteParams): SiteParams | undefined {
  return names.length === 0 ? undefined : { server_names: names, ...more }
}
