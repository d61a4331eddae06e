import * as z from 'zod/mini'
import type { ContainerLimits, Fit } from './sizing.ts'

/** One row of the table of settings. */
export interface Setting<T> {
  /** What it is for, one sentence. */
  readonly sentence: string
  /** What a value must be, in words; stands in the message when it is not. */
  readonly expected: string
  /** Checks a value; a custom issue's message replaces `expected` in the fault. */
  readonly schema: z.ZodMiniType<T>
  /** The value when none is given; undefined for a required or an optional setting. */
  readonly fallback: T | undefined
  /** What goes before `fallback` where it can be told from the host. */
  readonly fit?: (container: ContainerLimits) => Fit
  /** The default in words, where `fallback` alone does not say it. */
  readonly defaultWords?: string
  readonly required: boolean
  /** Text, as it comes from the environment, a file or a flag, to a value for the schema. */
  parse(text: string): unknown
  /** `whole` is hidden wherever it is shown; `url` loses its password only. Both can be read from a file named by `<ENV>_FILE`. */
  readonly secret?: 'whole' | 'url'
  /** The value is the path of a file that must be readable. */
  readonly path?: true
}

const INTEGER = /^-?\d{1,15}$/
const DECIMAL = /^-?\d{1,15}(\.\d{1,6})?$/

/** A whole number. Text that is none stays text, so that the schema refuses it. */
export function whole(fallback: number, min: number, max: number, sentence: string): Setting<number> {
  return {
    sentence,
    expected: `a whole number from ${figure(min)} to ${figure(max)}`,
    schema: between(z.int(), min, max),
    fallback,
    required: false,
    parse: (text) => (INTEGER.test(text) ? Number(text) : text),
  }
}

/** A whole number that may be left out. */
export function optionalWhole(min: number, max: number, sentence: string): Setting<number | undefined> {
  return { ...whole(0, min, max, sentence), schema: z.optional(between(z.int(), min, max)), fallback: undefined }
}

/** A number with a fraction. */
export function decimal(fallback: number, min: number, max: number, sentence: string): Setting<number> {
  return {
    sentence,
    expected: `a number from ${figure(min)} to ${figure(max)}`,
    schema: between(z.number(), min, max),
    fallback,
    required: false,
    parse: (text) => (DECIMAL.test(text) ? Number(text) : text),
  }
}

export function choice<const T extends string>(fallback: T, values: readonly T[], sentence: string): Setting<T> {
  return {
    sentence,
    expected: `one of ${values.join(', ')}`,
    schema: z.enum(values as readonly [T, ...T[]]) as unknown as z.ZodMiniType<T>,
    fallback,
    required: false,
    parse: (text) => text,
  }
}

/** A text that fits a form. */
export function text(fallback: string, form: RegExp, expected: string, sentence: string): Setting<string> {
  return {
    sentence,
    expected,
    schema: z.string().check(z.regex(form)),
    fallback,
    required: false,
    parse: (value) => value,
  }
}

/** A text that fits a form and must be given. */
export function requiredText(form: RegExp, expected: string, sentence: string): Setting<string> {
  return { ...text('', form, expected, sentence), fallback: undefined, required: true }
}

/** A text that fits a form and may be left out. */
export function optionalText(form: RegExp, expected: string, sentence: string): Setting<string | undefined> {
  return {
    ...text('', form, expected, sentence),
    schema: z.optional(z.string().check(z.regex(form))),
    fallback: undefined,
  }
}

/** The path of a file that must be readable, where one is given. */
export function optionalPath(sentence: string): Setting<string | undefined> {
  return { ...optionalText(/^[^\0]+$/, 'the path of a readable file', sentence), path: true }
}

/** A list of whole numbers, comma-separated as text. `judge` says what is wrong with the list as a whole, if anything. */
export function wholeList(
  fallback: readonly number[],
  [min, max]: readonly [number, number],
  most: number,
  judge: (list: readonly number[]) => string | undefined,
  sentence: string,
): Setting<readonly number[]> {
  const list = z.array(between(z.int(), min, max)).check(z.minLength(1), z.maxLength(most))
  return {
    sentence,
    expected: `1 to ${most} whole numbers from ${figure(min)} to ${figure(max)}, ascending, each once`,
    schema: list.check((context) => {
      const message = judge(context.value)
      if (message !== undefined) context.issues.push({ code: 'custom', message, input: context.value })
    }),
    fallback,
    required: false,
    parse: (value) => value.split(',').map((item) => (INTEGER.test(item.trim()) ? Number(item) : item.trim())),
  }
}

/** A URL. `judge` says what was expected, when it is not that. */
export function url(judge: (value: string) => string | undefined): z.ZodMiniType<string> {
  return z.string().check((context) => {
    const message = judge(context.value)
    if (message !== undefined) context.issues.push({ code: 'custom', message, input: context.value })
  })
}

function between(number: z.ZodMiniNumber, min: number, max: number): z.ZodMiniType<number> {
  return number.check(z.minimum(min), z.maximum(max))
}

/** A number as people read it: `1,800,000`. Not by `toLocaleString`, whose first call costs 15 ms and 8 MB. */
export function figure(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}
