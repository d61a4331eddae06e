/** One header of a record. A name may come more than once; a value may be missing. */
export type Header = readonly [name: string, value: Buffer | null]

/** The last header of that name, as text: who adds one to a record means to replace those before. Undefined where there is none or it has no value. */
export function textOf(list: readonly Header[], name: string): string | undefined {
  for (let index = list.length - 1; index >= 0; index--) {
    const [known, value] = list[index]!
    if (known === name) return value?.toString('utf8')
  }
  return undefined
}

/** All headers as text, in an object without a prototype: what handlers see. Of a name that comes again, a JSON array. */
export function viewOf(list: readonly Header[]): Readonly<Record<string, string>> {
  const all = new Map<string, string[]>()
  for (const [name, value] of list) {
    const text = value?.toString('utf8') ?? ''
    const known = all.get(name)
    if (known === undefined) all.set(name, [text])
    else known.push(text)
  }
  const view: Record<string, string> = Object.create(null)
  for (const [name, texts] of all) view[name] = texts.length === 1 ? texts[0]! : JSON.stringify(texts)
  return Object.freeze(view)
}
