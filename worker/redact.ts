/** What stands where a secret stood. */
export const HIDDEN = '***'

// Up to the last @ of the word: a password may itself hold '/', ':' or '@' unescaped. Ends at quotes, so that a JSON line keeps its form.
const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/)([^\s:@/"'<>\\]*):[^\s"'<>\\]*@/gi

/** The text without the passwords of its URLs: `amqp://user:***@host`. */
export function redactUrls(text: string): string {
  return text.includes('://') ? text.replace(URL_PASSWORD, `$1$2:${HIDDEN}@`) : text
}

/** True when the URL carries a password. */
export function hasPassword(url: string): boolean {
  return redactUrls(url) !== url
}

/**
 * Hides the given secrets, as they are and as they look inside JSON or a URL, and the passwords of all URLs.
 * Secrets of fewer than 4 characters and RabbitMQ's well-known `guest` are left alone: hiding them would only make the text unreadable.
 */
export function redactor(secrets: readonly (string | undefined)[]): (text: string) => string {
  const forms = new Set<string>()
  for (const secret of secrets) {
    if (secret === undefined || secret.length < 4 || secret === 'guest') continue
    for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]) forms.add(form)
  }
  const longestFirst = [...forms].sort((a, b) => b.length - a.length)
  return (text) => {
    let clean = redactUrls(text)
    for (const form of longestFirst) if (clean.includes(form)) clean = clean.replaceAll(form, HIDDEN)
    return clean
  }
}
