/** Our own bug: dies loudly, so that the role is restarted instead of going on with a broken state. */
export class BugError extends Error {
  override readonly name = 'BugError';
}

/** States what must hold; never used for input from outside. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new BugError(message);
}

/** For the default branch of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new BugError(`unreachable: ${JSON.stringify(value)}`);
}
