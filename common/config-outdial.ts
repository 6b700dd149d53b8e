/**
 * The part of the configuration that says how calls are made: trunks, and the rules of calling out. Nothing
 * is allowed that is not named: without a trunk, or without a prefix, no call goes out.
 */
import { z } from 'zod';

const duration = (minMs: number, maxMs: number) => z.number().int().min(minMs).max(maxMs);
const prefix = z
  .string()
  .regex(/^\+?[0-9]{1,15}$/, 'the first digits of numbers, such as +49 or 7');
const host = z
  .string()
  .regex(/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?$/, 'a host, or host:port');

const trunk = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, 'a word of a-z, 0-9 and -')
    .describe('Name in logs, metrics and the API.'),
  servers: z
    .array(host)
    .min(1)
    .max(8)
    .describe(
      'Where calls are sent: one name, which DNS may lead to several places (RFC 3263), or addresses, tried in order.',
    ),
  transport: z.enum(['udp', 'tcp']).default('udp').describe('How the servers are reached.'),
  domain: host
    .optional()
    .describe('Host part of the called and of our own address. Default: the first server.'),
  username: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('Our name when the trunk asks who we are (digest), and in our address.'),
  password: z.string().min(1).max(128).optional().describe('Secret that goes with `username`.'),
  realm: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('Answer only challenges of this realm. Default: any.'),
  register: z
    .boolean()
    .default(false)
    .describe('Whether the first VRU registers there, so that calls come to it. Needs `username`.'),
  registerExpiresS: z
    .number()
    .int()
    .min(60)
    .max(86_400)
    .default(3600)
    .describe('How long a registration is asked for, in seconds; it is refreshed in time.'),
  callerNumber: z
    .string()
    .regex(/^\+?[0-9]{1,32}$/, 'a number')
    .optional()
    .describe('Number that the called see, unless the account has one. Default: `username`.'),
  numberFormat: z
    .enum(['plus', 'digits'])
    .default('plus')
    .describe('Whether international numbers are sent with + or without.'),
  numberPrefix: z
    .string()
    .regex(/^[0-9*#]{0,8}$/, 'up to 8 keys')
    .default('')
    .describe('Put before every number, where the trunk wants it.'),
  allowedPrefixes: z
    .array(prefix)
    .max(1000)
    .default([])
    .describe('Numbers that may be called begin with one of these. Empty: none may.'),
  deniedPrefixes: z
    .array(prefix)
    .max(1000)
    .default([])
    .describe(
      'Exceptions from `allowedPrefixes`; the longer prefix wins, of equal ones the denial.',
    ),
  maxConcurrent: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(10)
    .describe('Calls through this trunk at once.'),
  maxCallsPerDay: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(500)
    .describe('Calls through this trunk in one day (UTC).'),
});

export const trunks = z
  .array(trunk)
  .max(50)
  .default([])
  .describe('Ways to call out, in order of preference. Without one, nobody can.');

export const outdial = z.strictObject({
  rewrite: z
    .array(
      z.strictObject({
        from: prefix.describe('First digits as keyed.'),
        to: z
          .string()
          .regex(/^\+?[0-9]{0,15}$/, 'digits, with or without +')
          .describe('What takes their place.'),
      }),
    )
    .max(100)
    .default([])
    .describe(
      'How keyed numbers become the form that prefixes are compared with, such as 00 → + and 0 → +49. The longest that fits is used, once.',
    ),
  ringTimeoutMs: duration(5000, 180_000).default(45_000).describe('How long the called may ring.'),
  maxDurationMs: duration(10_000, 86_400_000)
    .default(14_400_000)
    .describe('Longest call that we make; then it is told so and hung up.'),
  listConcurrency: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(5)
    .describe('Calls at once when the list of an account is called.'),
  greeting: z
    .array(z.string().min(1).max(128))
    .max(20)
    .optional()
    .describe(
      'Prompts that the called hear before they press 1, instead of the one that comes with the program.',
    ),
  confirmTries: z
    .number()
    .int()
    .min(1)
    .max(5)
    .default(2)
    .describe('How often that is said to somebody who presses nothing.'),
  confirmMs: duration(1000, 60_000)
    .default(8000)
    .describe('How long a key is waited for each time.'),
});
