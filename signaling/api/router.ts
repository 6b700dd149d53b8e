/** From method and path to a route. Nothing is allocated for routes that do not fit: it runs for every request. */
import type { Method, Route } from './route.ts';

export interface Chosen {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

interface Entry {
  readonly route: Route;
  /** Undefined: a parameter. */
  readonly literals: readonly (string | undefined)[];
  readonly names: readonly (readonly [index: number, name: string])[];
}

export class Router {
  readonly #byLength = new Map<number, Entry[]>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const parts = route.path.split('/');
      const isName = (part: string): boolean => part.startsWith('{');
      const entry: Entry = {
        route,
        literals: parts.map((part) => (isName(part) ? undefined : part)),
        names: [...parts.entries()].flatMap(([index, part]) =>
          isName(part) ? [[index, part.slice(1, -1)] as const] : [],
        ),
      };
      const same = this.#byLength.get(parts.length);
      if (same === undefined) this.#byLength.set(parts.length, [entry]);
      else same.push(entry);
    }
  }

  /** The route, or the methods that the path takes; none: there is no such path. */
  find(method: string, path: string): Chosen | readonly Method[] {
    const segments = path.split('/');
    const entries = this.#byLength.get(segments.length) ?? [];
    let allowed: Method[] | undefined;
    for (const { route, literals, names } of entries) {
      if (!fits(literals, segments)) continue;
      const params = paramsOf(names, segments);
      if (params === undefined) continue;
      if (route.method === method) return { route, params };
      allowed = [...(allowed ?? []), route.method];
    }
    return allowed ?? [];
  }
}

function fits(literals: Entry['literals'], segments: readonly string[]): boolean {
  for (let index = 0; index < literals.length; index++) {
    const literal = literals[index];
    if (literal !== undefined && literal !== segments[index]) return false;
  }
  return true;
}

/** Undefined: one is empty, or no percent-encoding of UTF-8. */
function paramsOf(
  names: Entry['names'],
  segments: readonly string[],
): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [index, name] of names) {
    const value = decode(segments[index] ?? '');
    if (value === undefined || value === '') return undefined;
    params[name] = value;
  }
  return params;
}

function decode(segment: string): string | undefined {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
