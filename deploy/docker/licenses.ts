import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The licences of the packages that bundled files came from, as one text: a bundle is a copy of them.
 * @param inputs the bundled files, by their paths below `root`
 */
export function licensesOf(inputs: Iterable<string>, root: string): string {
  const homes = new Set<string>()
  for (const input of inputs) {
    const home = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0]
    if (home !== undefined) homes.add(join(root, home))
  }
  return [...homes].sort().map(licenseOf).join('\n\n')
}

function licenseOf(home: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  const file = readdirSync(home).find((entry) => /^licen[cs]e\b/i.test(entry))
  const text = file === undefined ? '' : `\n\n${readFileSync(join(home, file), 'utf8').trim()}`
  return `${name} ${version} (${license})${text}`
}
