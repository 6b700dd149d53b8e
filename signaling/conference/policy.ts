/** What the rules of a conference say, as pure functions. */
import type { Role } from './messages.ts';

/**
 * A locked conference takes nobody more (E15). One exception keeps it from being lost to everybody:
 * a host may come in while no host is in it.
 */
export function lockRefuses(
  conference: { readonly locked: boolean; readonly hosts: number },
  role: Role,
): boolean {
  return conference.locked && !(role === 'host' && conference.hosts === 0);
}
