/** Requests to the HTTP API. Every answer is a value: what came, or the words of the problem document. */

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly status: number; readonly detail: string };

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
}

export interface Dnis {
  readonly dnis: string;
  readonly application: string;
  readonly language: string;
}

export interface List<T> {
  readonly items: readonly T[];
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
    return { ok: false, status: response.status, detail: detailOf(value) };
  } catch {
    return { ok: false, status: 0, detail: 'The server does not answer.' };
  }
}

function detailOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return 'The server refused it.';
  if ('detail' in value && typeof value.detail === 'string') return value.detail;
  return 'The server refused it.';
}

/** A host code for a token. */
export const exchangeCode = (code: string): Promise<Answer<{ readonly token: string }>> =>
  request(undefined, 'POST', '/host-sessions', { code });
