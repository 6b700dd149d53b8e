/** The part of the configuration that says where the HTTP API listens and how often it may be asked. */
import { z } from 'zod';
import { ipAddress, networkAddress } from './config-addresses.ts';

/** Above it a limit is none. */
const MOST = 1_000_000;

/** A token bucket. */
const rate = (perSecond: number, burst: number) => ({
  perSecond: z
    .number()
    .min(0)
    .max(MOST)
    .default(perSecond)
    .describe('Requests a second in the long run. 0: no limit.'),
  burst: z
    .number()
    .int()
    .min(1)
    .max(MOST)
    .default(burst)
    .describe('Requests at once after a rest.'),
});

const rateLimits = z.strictObject({
  token: z
    .strictObject(rate(500, 2_000))
    .prefault({})
    .describe('Of each token of an operator or a program.'),
  host: z
    .strictObject(rate(50, 300))
    .prefault({})
    .describe('Of each token that a host got for the host code.'),
  address: z
    .strictObject(rate(50, 500))
    .prefault({})
    .describe(
      'Of each address (IPv6: /64) without a token that is known: the page, host codes, wrong tokens. /healthz and /readyz are free.',
    ),
  tokens: z
    .array(
      z.strictObject({
        name: z
          .string()
          .min(1)
          .max(128)
          .describe('Name of the token, as the audit has it: admin, configured-admin, …'),
        ...rate(500, 2_000),
      }),
    )
    .max(1_000)
    .default([])
    .describe('Tokens with a limit of their own, such as that of a wallboard that reads rosters.'),
});

export const http = z.strictObject({
  address: ipAddress
    .default('127.0.0.1')
    .describe('Address of the HTTP API. Put a proxy with TLS in front before opening it.'),
  port: z
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(8080)
    .describe('Port of the HTTP API. 0 takes any free one, which is printed at start.'),
  adminToken: z
    .string()
    .min(16)
    .max(256)
    .optional()
    .describe(
      'Admin token to accept instead of the one made at first start. MINUSONE_ADMIN_TOKEN sets it too.',
    ),
  metricsAccess: z
    .enum(['loopback', 'token', 'open'])
    .default('loopback')
    .describe(
      'Who may read /metrics: callers from this machine, callers with a token, or everybody.',
    ),
  bodyLimitBytes: z
    .number()
    .int()
    .min(1024)
    .max(16_777_216)
    .default(65_536)
    .describe('Longest request body; a longer one is answered 413.'),
  trustedProxies: z
    .array(networkAddress)
    .max(100)
    .default([])
    .describe(
      'Proxies in front of the API whose X-Forwarded-For is believed; without them everybody behind a proxy is one address for rate limits and guessed host codes.',
    ),
  rateLimits: rateLimits
    .prefault({})
    .describe('How often each may ask; above it 429 with Retry-After.'),
});
