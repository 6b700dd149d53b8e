/** Requests to the HTTP API. Every answer is a value: what came, or the words of the problem document. */

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly status: number;
      readonly detail: string;
      /** Field → what is wrong with it. */
      readonly fields: ReadonlyMap<string, string>;
    };

export interface Api {
  get<T>(path: string): Promise<Answer<T>>;
  send(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<Answer<unknown>>;
}

export interface Session {
  readonly scope: 'admin' | 'host';
  readonly mayDial: boolean;
  readonly accountId: string | null;
  readonly accountName: string | null;
  readonly expiresAt: string | null;
}

export interface Mixer {
  readonly id: string;
  readonly mixerClass: string;
  readonly address: string;
  readonly busyShare: number;
  readonly latenessMs: number;
  readonly headroom: number;
  readonly conferences: number;
  readonly conferees: number;
  readonly draining: boolean;
}

export interface Vru {
  readonly id: string;
  readonly address?: string;
  readonly calls?: number;
}

export interface Account {
  readonly id: string;
  readonly name: string;
  readonly hostCodes: readonly string[];
  readonly participantCodes: readonly string[];
  readonly mixerClass: string;
  readonly waitingMode: string;
  readonly hostLeaves: string;
  readonly graceMs: number;
  readonly maxConferees?: number;
  readonly language: string;
}

export interface Dnis {
  readonly dnis: string;
  readonly application: string;
  readonly language: string;
  readonly ringMs?: number;
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface List<T> {
  readonly items: readonly T[];
  readonly next?: string | null;
}

/** A call that was refused, and by which rule. */
export interface Refusal {
  readonly callId: string;
  readonly sipCallId: string;
  readonly at: string;
  readonly callerNumber: string;
  readonly callerName?: string;
  readonly dnis: string;
  readonly trunk: string;
  readonly vruId: string;
  readonly reason: string;
  readonly meaning: string;
  readonly remedy: string;
}

export interface Alarm {
  readonly at: string;
  readonly node: string;
  readonly alarm:
    | {
        readonly kind: 'source-locked';
        readonly source: { readonly caller: string; readonly trunk: string };
        readonly lockMs: number;
        readonly misses: number;
      }
    /** `*`: many addresses. */
    | { readonly kind: 'trunk-attacked' | 'trunk-calm'; readonly trunk: string };
}

export function createApi(token: string): Api {
  return {
    get: (path) => request(token, 'GET', path),
    send: (method, path, body) => request(token, method, path, body),
  };
}

async function request<T>(
  token: string | undefined,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer<T>> {
  try {
    const response = await fetch(`/api/v1${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        // A retry by the browser or a proxy has its effect once.
        ...(method === 'GET'
          ? {}
          : { 'idempotency-key': crypto.getRandomValues(new Uint32Array(4)).join('-') }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const value: unknown = text === '' ? undefined : JSON.parse(text);
    if (response.ok) return { ok: true, value: value as T };
    return {
      ok: false,
      status: response.status,
      detail: detailOf(value),
      fields: fieldsOf(value),
    };
  } catch {
    return { ok: false, status: 0, detail: 'The server does not answer.', fields: new Map() };
  }
}

function detailOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return 'The server refused it.';
  if ('detail' in value && typeof value.detail === 'string') return inWords(value.detail);
  return 'The server refused it.';
}

/** What a script looks for at the beginning (`code-taken: …`) says nothing to people. */
function inWords(text: string): string {
  const words = text.replace(/^[a-z]+(-[a-z]+)*: /, '');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What the problem document says of single fields (`errors`); `hostCodes.0` is about `hostCodes`. */
function fieldsOf(value: unknown): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  if (typeof value !== 'object' || value === null || !('errors' in value)) return fields;
  if (!Array.isArray(value.errors)) return fields;
  for (const error of value.errors as readonly { path?: unknown; message?: unknown }[]) {
    if (typeof error.path !== 'string' || typeof error.message !== 'string') continue;
    fields.set(error.path.split('.')[0] ?? '', inWords(error.message));
  }
  return fields;
}

/** A host code for a token. */
export const exchangeCode = (code: string): Promise<Answer<{ readonly token: string }>> =>
  request(undefined, 'POST', '/host-sessions', { code });
