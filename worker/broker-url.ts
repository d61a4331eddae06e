/** One of the addresses that a URL names. */
export interface HostPort {
  /** A name or an address; of IPv6 without the brackets. */
  readonly host: string
  readonly port: number | undefined
}

/** A URL of the form `scheme://user:password@host:port,host:port`, its parts decoded. Without a user both are empty. */
export interface HostsUrl {
  readonly scheme: string
  readonly username: string
  readonly password: string
  readonly hosts: readonly HostPort[]
}

// Up to the last @: a password may itself hold '/', ':' or '@' unescaped. What the log's redaction takes for a password is no more.
const FORM = /^([a-z][a-z0-9+.-]*):\/\/(?:([^\s"'<>\\]*)@)?([^\s"'<>\\/@?#]+)\/?$/i
const HOST = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?$/i

/** Reads a URL that may name several hosts, as `new URL` does not. Undefined where the text is none, or has more than a host, a port and a user. */
export function parseHostsUrl(text: string): HostsUrl | undefined {
  const [, scheme, user = '', list = ''] = FORM.exec(text) ?? []
  if (scheme === undefined) return undefined
  const hosts: HostPort[] = []
  for (const item of list.split(',')) {
    const [, address, name, digits] = HOST.exec(item) ?? []
    const port = digits === undefined ? undefined : Number(digits)
    if ((address ?? name) === undefined || port === 0 || (port ?? 0) > 65_535) return undefined
    hosts.push({ host: address ?? name!, port })
  }
  const colon = user.indexOf(':')
  return {
    scheme: scheme.toLowerCase(),
    username: decoded(colon < 0 ? user : user.slice(0, colon)),
    password: colon < 0 ? '' : decoded(user.slice(colon + 1)),
    hosts,
  }
}

/** The user name inside a URL of one host or more, decoded; undefined where there is none or the URL can't be read. */
export function usernameOf(url: string): string | undefined {
  return partOf('username', url)
}

/** The password inside a URL of one host or more, decoded; undefined where there is none or the URL can't be read. */
export function passwordOf(url: string): string | undefined {
  return partOf('password', url)
}

function partOf(part: 'username' | 'password', url: string): string | undefined {
  return decoded(URL.parse(url)?.[part] ?? '') || parseHostsUrl(url)?.[part] || undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
