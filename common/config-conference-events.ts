/** The part of the configuration that says who may follow conferences by SIP (RFC 4575, RFC 6665). */
import { z } from 'zod';

const lifetimeS = (given: number) => z.number().int().min(10).max(86_400).default(given);

export const conferenceEvents = z.strictObject({
  subscribers: z
    .array(
      z.strictObject({
        username: z.string().min(1).max(64).describe('Name in the Authorization header.'),
        password: z.string().min(1).max(128).describe('Secret shared with that subscriber.'),
        accounts: z
          .array(z.string().min(1).max(64))
          .min(1)
          .max(10_000)
          .describe('Accounts whose conferences it may follow; `*` is every account.'),
        see: z
          .enum(['counts', 'roster'])
          .default('counts')
          .describe(
            'How much: `counts` how many and whether locked, `roster` also names, numbers, roles and mute.',
          ),
      }),
    )
    .max(10_000)
    .default([])
    .describe('Who may subscribe from outside, by digest with `sip.realm`.'),
  conferees: z
    .enum(['none', 'hosts', 'all'])
    .default('none')
    .describe(
      'Which callers may follow the conference that they are in, proven by Target-Dialog (RFC 4538): a host sees the roster, a participant counts.',
    ),
  minimumExpiresS: lifetimeS(60).describe('Shortest subscription; below it a subscriber gets 423.'),
  maximumExpiresS: lifetimeS(3600).describe('Longest subscription; a longer one is shortened.'),
  restMs: z
    .number()
    .int()
    .min(0)
    .max(600_000)
    .default(5000)
    .describe(
      'Least time between two notifications of one subscription; what happens meanwhile is told by its newest state. RFC 4575 section 3.10 wants 5 s.',
    ),
  subscriptionLimit: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(1000)
    .describe('Subscriptions of each VRU and mixer; the next one gets 503.'),
  subscriptionLimitPerSubscriber: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(100)
    .describe('Of these, of one name or one call; the next one gets 486.'),
});
