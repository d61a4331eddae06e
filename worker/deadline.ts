/** True when the promise settled within the time, and before `cut` resolved. */
export async function settledWithin(
  promise: Promise<unknown>,
  timeoutMs: number,
  cut?: Promise<void>,
): Promise<boolean> {
  const { promise: outcome, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(resolve, timeoutMs, false)
  promise.then(
    () => resolve(true),
    () => resolve(true),
  )
  void cut?.then(() => resolve(false))
  const settled = await outcome
  clearTimeout(timer)
  return settled
}
