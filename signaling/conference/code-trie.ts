/**
 * All conference codes, digit by digit: while a caller is still typing it says whether what there is
 * so far is a code, may become one, or never will. Pure memory; provisioning.ts keeps it up to date.
 */

interface Node<T> {
  value: T | undefined;
  readonly children: Map<string, Node<T>>;
}

export type TrieMatch<T> =
  /** A code, and no longer one begins with it: collection can end without `#`. */
  | { readonly kind: 'valid'; readonly value: T }
  /** A code, but a longer one begins with it. */
  | { readonly kind: 'valid-prefix'; readonly value: T }
  /** No code yet; a longer one begins with it. */
  | { readonly kind: 'prefix' }
  | { readonly kind: 'invalid' };

export class CodeTrie<T> {
  readonly #root: Node<T> = { value: undefined, children: new Map() };

  set(code: string, value: T): void {
    let node = this.#root;
    for (const digit of code) {
      let next = node.children.get(digit);
      if (next === undefined) {
        next = { value: undefined, children: new Map() };
        node.children.set(digit, next);
      }
      node = next;
    }
    node.value = value;
  }

  delete(code: string): void {
    const path: Node<T>[] = [this.#root];
    for (const digit of code) {
      const next = path.at(-1)?.children.get(digit);
      if (next === undefined) return;
      path.push(next);
    }
    const last = path.at(-1);
    if (last !== undefined) last.value = undefined;
    // Branches that lead nowhere any more would be reported as prefixes.
    for (let depth = code.length; depth > 0; depth--) {
      const node = path[depth];
      if (node === undefined || node.value !== undefined || node.children.size > 0) return;
      path[depth - 1]?.children.delete(code.charAt(depth - 1));
    }
  }

  match(digits: string): TrieMatch<T> {
    let node = this.#root;
    for (const digit of digits) {
      const next = node.children.get(digit);
      if (next === undefined) return { kind: 'invalid' };
      node = next;
    }
    if (node.value === undefined) {
      return node.children.size > 0 ? { kind: 'prefix' } : { kind: 'invalid' };
    }
    const kind = node.children.size > 0 ? 'valid-prefix' : 'valid';
    return { kind, value: node.value };
  }
}
