/**
 * The web page: the files that Vite built (dist/page), read once at start. Names under assets/ carry a
 * hash of their content and are kept for good by browsers; everything else is asked for each time.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { HttpRequest, HttpResponse } from './http-server.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
};

/** Nothing from elsewhere, nothing inline, nobody frames it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface File {
  readonly body: Buffer;
  readonly zipped: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly etag: string;
}

/** Answers for the files of the page; undefined: there is no such file. */
export function openPage(
  directory: string,
  version: string,
): (request: HttpRequest) => HttpResponse | undefined {
  const files = readFiles(directory);
  return (request) => {
    if (request.path === '/' && !files.has('/')) return notBuilt(version);
    const file = files.get(request.path);
    if (file === undefined) return undefined;
    if (request.headers.get('if-none-match') === file.etag) {
      return { status: 304, headers: file.headers, body: '' };
    }
    const zips = request.headers.get('accept-encoding')?.includes('gzip') === true;
    return zips && file.zipped.length < file.body.length
      ? { status: 200, headers: { ...file.headers, 'content-encoding': 'gzip' }, body: file.zipped }
      : { status: 200, headers: file.headers, body: file.body };
  };
}

function readFiles(directory: string): ReadonlyMap<string, File> {
  const files = new Map<string, File>();
  if (!existsSync(directory)) return files;
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const path = join(directory, name);
    const type = TYPES[extname(name)];
    if (type === undefined || !statSync(path).isFile()) continue;
    const file = readFile(path, type, name.startsWith(`assets${sep}`));
    const url = `/${name.split(sep).join('/')}`;
    files.set(url === '/index.html' ? '/' : url, file);
  }
  return files;
}

function readFile(path: string, type: string, immutable: boolean): File {
  const body = readFileSync(path);
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  return {
    body,
    zipped: gzipSync(body, { level: 9 }),
    etag,
    headers: {
      'content-type': type,
      'content-security-policy': POLICY,
      'cache-control': immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      // For browsers that do not know frame-ancestors.
      'x-frame-options': 'DENY',
      'permissions-policy': 'camera=(), microphone=(), geolocation=()',
      vary: 'accept-encoding',
      etag,
    },
  };
}

/** Run from sources without the page: what is here says so itself. */
function notBuilt(version: string): HttpResponse {
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'",
    },
    body: `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>minusone</title></head>
<body><main><h1>minusone ${version}</h1>
<p>The page is not built; <code>npm run build</code> builds it. The API is at <code>/api/v1</code>, described by
<a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p></main></body></html>
`,
  };
}
