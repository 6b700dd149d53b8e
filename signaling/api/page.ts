/** The page at `/`: says what is here. The host and operator pages take its place in a later release. */
import type { HttpResponse } from './http-server.ts';

const LINKS = [
  ['/healthz', 'whether the process answers'],
  ['/readyz', 'whether every role is ready'],
  ['/metrics', 'metrics for Prometheus'],
  [
    '/api/v1/openapi.json',
    'the API: accounts, numbers, conferences, mixers (needs the admin token)',
  ],
] as const;

export function landingPage(version: string): HttpResponse {
  const list = LINKS.map(
    ([path, text]) => `<li><a href="${path}"><code>${path}</code></a>: ${text}</li>`,
  ).join('\n');
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    },
    body: `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>minusone</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}</style></head>
<body><main><h1>minusone ${version}</h1>
<p>Audio conferencing: call in, enter a code, hear the conference minus yourself.</p>
<ul>
${list}
</ul>
<p>Conferences are watched and controlled with <code>npx minusone conference list</code> and its relatives.</p>
</main></body></html>
`,
  };
}
