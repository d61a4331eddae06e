import { TidemillError } from '../../worker/errors.ts'

/**
 * The words of a command, as a shell would split them: blanks part words, quotes keep blanks, a backslash keeps the next character.
 * Nothing else of a shell is done; who needs it writes `sh -c '...'`.
 * @throws TidemillError `USAGE` where there is no word or a quote has no end
 */
export function wordsOf(text: string): [string, ...string[]] {
  const words: string[] = []
  let word: string | undefined
  let quote: string | undefined
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!
    const isEscape = character === '\\' && quote !== "'" && index + 1 < text.length
    if (isEscape) word = (word ?? '') + text[++index]
    else if (character === quote) quote = undefined
    else if (quote === undefined && (character === '"' || character === "'")) {
      quote = character
      word ??= ''
    } else if (quote === undefined && /\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + character
  }
  if (quote !== undefined) throw new TidemillError('USAGE', `--worker: expected a closing ${quote}, got ${text}`)
  if (word !== undefined) words.push(word)
  if (words.length === 0) throw new TidemillError('USAGE', '--worker: expected a command, got blanks')
  return words as [string, ...string[]]
}
