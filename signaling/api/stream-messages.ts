/** What the event stream and its readers say to each other; the same schemas check and document it. */
import { z } from 'zod';
import { numberedEvent } from '../conference/events.ts';
import { conferenceId } from '../conference/messages.ts';
import { liveConference } from './schemas.ts';

/** First message of a reader; later ones need no token. */
export const subscribe = z.strictObject({
  type: z.literal('subscribe'),
  token: z
    .string()
    .max(1024)
    .optional()
    .describe('Needed unless the upgrade request had an authorization header.'),
  conference: z
    .union([z.literal('all'), conferenceId])
    .default('all')
    .describe('One conference, or every one that the token allows.'),
  after: z
    .union([z.number().int().min(0), z.record(z.string(), z.number().int().min(0))])
    .optional()
    .describe(
      'Number of the last event that the reader has: of the one conference, or by conference id. Absent: a snapshot comes first.',
    ),
});

/** Later, and again at any time: whose loudness the reader shows; null: nobody's. */
export const watchLevels = z.strictObject({
  type: z.literal('levels'),
  conference: conferenceId.nullable(),
});

export const streamMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('subscribed'),
    conference: z.string(),
    /** What the token allows. */
    scope: z.enum(['admin', 'host']),
  }),
  z
    .object({ type: z.literal('snapshot'), conference: liveConference })
    .describe(
      'The conference as of `conference.number`; events that follow have the next numbers.',
    ),
  z
    .object({ type: z.literal('event'), ...numberedEvent.shape })
    .describe('Each exactly once, in order, without a gap.'),
  z
    .object({
      type: z.literal('talking'),
      conferenceId: z.string(),
      ordinals: z.array(z.number().int()),
    })
    .describe('Who talks now; not numbered, may be left out, at most five a second.'),
  z
    .object({
      type: z.literal('levels'),
      conferenceId: z.string(),
      levels: z.array(z.tuple([z.number().int(), z.number()])),
    })
    .describe(
      'Ordinal and loudness in dBov of each who talks in the conference that the reader named; at most five a second.',
    ),
  z
    .object({ type: z.literal('gone'), conferenceId: z.string() })
    .describe('There is no such conference any more; nothing more comes of it.'),
  z.object({
    type: z.literal('refused'),
    detail: z.string(),
  }),
]);
export type StreamMessage = z.infer<typeof streamMessage>;

/** Why the stream closes (RFC 6455 section 7.4). */
export const CLOSE = {
  goingAway: 1001,
  badMessage: 1007,
  policy: 1008,
  tooSlow: 1013,
} as const;

export const STREAM_DESCRIPTION = `WebSocket. After the upgrade the reader sends one \`subscribe\` message (schema Subscribe) within ten seconds; the server sends StreamMessage documents, one a frame. \
\`conference\` and \`after\` may be query parameters instead of fields. A reader that reconnects names the last number it has and gets every later event exactly once; \
when that number is older than what is at hand, a snapshot comes first. A reader that does not keep up is closed with ${CLOSE.tooSlow} and the reason \`{"after":{"CONFERENCE":NUMBER}}\`, with which it may resume. \
A reader that shows one conference sends \`levels\` messages (schema WatchLevels) to name it, and gets the loudness of its talkers. Pings are sent every 30 seconds. Wrong or missing token: close ${CLOSE.policy}.`;
