/**
 * The configuration: one schema from which defaults, checks, error texts and docs/configuration.md
 * come. Keys carry their unit in the name. Loading is in config-load.ts; relations between keys are
 * in config-checks.ts. Nothing here knows which role reads which key.
 */
import { z } from 'zod';
import { ipAddress, networkAddress } from './config-addresses.ts';
import { conferenceEvents } from './config-conference-events.ts';
import { http } from './config-http.ts';
import { outdial, trunks } from './config-outdial.ts';
import { DEFAULT_OPUS } from './opus.ts';

export const ROLE_NAMES = ['vru', 'mixer', 'proxy', 'interface'] as const;
export type RoleName = (typeof ROLE_NAMES)[number];

const port = z.number().int().min(1).max(65_535);
const duration = (minMs: number, maxMs: number) => z.number().int().min(minMs).max(maxMs);
const mixerClass = z.string().regex(/^[a-z0-9-]{1,32}$/, 'a word of a-z, 0-9 and -');

const sip = z.strictObject({
  address: ipAddress
    .default('127.0.0.1')
    .describe('Address on which every SIP socket of this process listens.'),
  advertisedAddress: ipAddress
    .optional()
    .describe(
      'Address that peers use to reach us, for Contact, Via and SDP. Needed when `address` is 0.0.0.0 or ::.',
    ),
  port: port
    .default(5060)
    .describe(
      'Port of the first VRU, on UDP and TCP. Further VRUs listen on the next ports; mixers listen from `port` + 10 on.',
    ),
  authentication: z
    .enum(['none', 'digest'])
    .default('none')
    .describe('Whether callers must answer a digest challenge (RFC 8760). Needs `users`.'),
  digestAlgorithms: z
    .array(z.enum(['SHA-256', 'MD5']))
    .min(1)
    .default(['SHA-256', 'MD5'])
    .describe('Offered in this order; some peers take only the first and know only MD5.'),
  realm: z.string().min(1).max(64).default('minusone').describe('Realm of the challenge.'),
  users: z
    .array(
      z.strictObject({
        username: z.string().min(1).max(64).describe('Name in the Authorization header.'),
        password: z.string().min(1).max(128).describe('Secret shared with that peer.'),
      }),
    )
    .max(10_000)
    .default([])
    .describe('Who may call when `authentication` is `digest`.'),
  sessionLimit: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(20_000)
    .describe(
      'Bound of the session table of each VRU and mixer; the next call gets 503. What a mixer can carry is measured and reached long before.',
    ),
  sessionExpiresS: z
    .number()
    .int()
    .min(90)
    .max(86_400)
    .default(1800)
    .describe('Session timer that we ask for and grant at most (RFC 4028), in seconds.'),
  minimumSessionExpiresS: z
    .number()
    .int()
    .min(90)
    .max(86_400)
    .default(90)
    .describe('Shortest session timer that we accept; below it a caller gets 422.'),
});

const media = z.strictObject({
  portMin: port
    .default(20_000)
    .describe('First RTP port of this process; even (RFC 3550 section 11).'),
  portMax: port
    .default(29_999)
    .describe('Last RTP port. A leg takes two; VRUs and mixers get equal parts of the range.'),
  vruWorkers: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe('Media threads shared by the VRUs of this process.'),
  opus: z
    .strictObject({
      complexity: z
        .number()
        .int()
        .min(0)
        .max(10)
        .default(DEFAULT_OPUS.complexity)
        .describe(
          'Processor time that an Opus encoder may spend: 0 least, 10 most. More bits are cheaper than more complexity: docs/media.md.',
        ),
      bitrateBps: z
        .number()
        .int()
        .min(6000)
        .max(128_000)
        .default(DEFAULT_OPUS.bitrateBps)
        .describe('Bit rate of Opus streams that we send. A peer may ask for less.'),
    })
    .prefault({})
    .describe('What Opus encoders spend.'),
  keepAwake: z
    .boolean()
    .default(true)
    .describe(
      'While there are calls, processors wait awake in place of sleeping, where the process may ask for that (/dev/cpu_dma_latency). Keeps ticks in time, above all in virtual machines, for more power.',
    ),
  silenceTimeoutMs: duration(0, 3_600_000)
    .default(60_000)
    .describe('A caller who sends neither RTP nor RTCP for so long is hung up. 0: never.'),
  unheardLimitMs: duration(0, 3_600_000)
    .default(30_000)
    .describe(
      'How much RTP goes to an address that only SDP named, before any RTP or RTCP came from it: nobody can have a third party flooded. 0: no limit.',
    ),
});

const vru = z.strictObject({
  count: z.number().int().min(1).max(10).default(3).describe('VRUs in this process.'),
  promptDirectory: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Directory with prompts, in the layout of the bundled pack or of the Asterisk sound packages. Default: the bundled pack.',
    ),
  language: z
    .string()
    .regex(/^[a-z]{2}(-[A-Z]{2})?$/, 'a language such as en or en-GB')
    .default('en')
    .describe('Language of the prompts where neither account nor DNIS names one.'),
  codeTries: z
    .number()
    .int()
    .min(1)
    .max(10)
    .default(3)
    .describe('Invalid codes after which the caller is told so and hung up.'),
  settleMs: duration(0, 5000)
    .default(200)
    .describe(
      'From the answer to the first word, so that a telephone or gateway that begins to listen late misses none of it.',
    ),
  firstDigitTimeoutMs: duration(1000, 120_000)
    .default(10_000)
    .describe('Silence after the prompt that counts as a try.'),
  interDigitTimeoutMs: duration(500, 60_000)
    .default(4000)
    .describe('Silence between digits after which the code is taken as complete.'),
  waitingNoticeMs: duration(1000, 600_000)
    .default(30_000)
    .describe('How often a waiting caller is told that the host has not come yet.'),
});

const mixer = z.strictObject({
  groups: z
    .array(
      z.strictObject({
        class: mixerClass.default('standard').describe('What accounts ask for by `mixerClass`.'),
        count: z.number().int().min(1).max(32).default(1).describe('Mixers of this class.'),
        contributors: z
          .number()
          .int()
          .min(0)
          .max(15)
          .default(8)
          .describe(
            'So many of the loudest talkers of a conference are heard at a time; 0: all. Nobody follows more than eight, and each costs an encoder.',
          ),
        automaticGain: z
          .boolean()
          .default(false)
          .describe('Brings every talker slowly to `speechLevelDbov`, by at most 15 dB.'),
        speechLevelDbov: z
          .number()
          .min(-40)
          .max(-10)
          .default(-22)
          .describe('Active speech level that automatic gain aims at.'),
        noiseSuppression: z
          .boolean()
          .default(false)
          .describe(
            'Takes steady noise out of every voice, by at most 14 dB. Adds 10 ms of delay and costs more than everything else for G.711.',
          ),
      }),
    )
    .min(1)
    .max(32)
    .prefault([
      { class: 'standard', count: 2 },
      { class: 'hd', count: 1 },
    ])
    .describe('Mixers in this process, by class.'),
  workers: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe('Media threads of each mixer. One conference stays on one thread.'),
  adhoc: z
    .boolean()
    .optional()
    .describe(
      'Whether `sip:conf=NAME@mixer` of a trusted peer makes a conference that nobody asked for by code. Default: the value of `demo`.',
    ),
  trustedPeers: z
    .array(networkAddress)
    .max(1000)
    .default([])
    .describe(
      'Addresses and networks (10.0.0.0/8) besides loopback and `sip.address` from which a mixer takes calls.',
    ),
});

const proxy = z.strictObject({
  count: z.number().int().min(1).max(16).default(2).describe('Proxy servers in this process.'),
});

const interfaceServer = z.strictObject({
  count: z.number().int().min(1).max(16).default(2).describe('Interface servers in this process.'),
  queueLimit: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(20_000)
    .describe('Requests that may wait in one interface server; above it the answer is "busy".'),
  queueLimitPerAccount: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(2000)
    .describe('Of these, requests of one account.'),
});

const nats = z.strictObject({
  url: z
    .string()
    .regex(/^(nats|tls):\/\/\S+$/, 'a URL such as nats://127.0.0.1:4222')
    .optional()
    .describe(
      'NATS server for roles in several processes. Reserved: this release refuses it and keeps state in the embedded store.',
    ),
});

const records = z.strictObject({
  keepDays: z
    .number()
    .int()
    .min(1)
    .max(3650)
    .default(30)
    .describe(
      'Days for which call records and conference records are kept. They hold telephone numbers: no longer than the law lets you.',
    ),
});

const allowedHost = z
  .string()
  .max(256)
  .regex(
    /^(\*\.)?[A-Za-z0-9.-]+(:[0-9]{1,5})?$|^\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?$/,
    'a host, *.domain or an address, each with :port or without',
  );

const webhooks = z.strictObject({
  allowedHosts: z
    .array(allowedHost)
    .max(1000)
    .default([])
    .describe(
      'Hosts that webhooks may be sent to: `crm.example`, `*.example`, `10.0.0.5:8443`. None listed: no webhooks. Redirections are never followed.',
    ),
  privateAddresses: z
    .boolean()
    .default(false)
    .describe(
      'Whether a listed name may lead to an address such as 10.0.0.5 or 127.0.0.1; a listed address always may.',
    ),
  timeoutMs: duration(100, 60_000)
    .default(10_000)
    .describe('Time for one delivery: lookup, connection, answer.'),
  maxBacklog: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe(
      'Events that may wait for one endpoint beyond the next one of each conference; above it the longest queue is dropped and told as a gap.',
    ),
  disableAfterDays: z
    .number()
    .min(0.01)
    .max(365)
    .default(3)
    .describe('An endpoint that takes nothing for so long is disabled, with an alarm in the log.'),
});

const shutdown = z.strictObject({
  drainMs: duration(0, 3_600_000)
    .default(0)
    .describe(
      'After SIGTERM or SIGINT: how long calls may still end by themselves before BYE; the process goes on when none is left.',
    ),
  limitMs: duration(1000, 600_000)
    .default(10_000)
    .describe('Longest time for BYEs and closing after that; then the process ends anyway.'),
});

export const configSchema = z.strictObject({
  roles: z
    .array(z.enum(ROLE_NAMES))
    .min(1)
    .default([...ROLE_NAMES])
    .describe('Roles that this process runs. `--role all` means all of them.'),
  demo: z
    .boolean()
    .default(true)
    .describe(
      'Puts the demo numbers and accounts into an empty data store. Set it to false for real use: their codes are public.',
    ),
  dataDirectory: z
    .string()
    .min(1)
    .default('data')
    .describe('Directory of the data store and the recordings; made if absent.'),
  logLevel: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least severity that is logged, as JSON lines on stderr.'),
  sip: sip.prefault({}).describe('SIP signaling.'),
  http: http.prefault({}).describe('HTTP API, health, metrics and page.'),
  media: media.prefault({}).describe('RTP.'),
  vru: vru.prefault({}).describe('Voice response units.'),
  mixer: mixer.prefault({}).describe('Mixers.'),
  proxy: proxy.prefault({}).describe('Proxy servers.'),
  interface: interfaceServer.prefault({}).describe('Interface servers.'),
  trunks,
  outdial: outdial.prefault({}).describe('Calling out.'),
  nats: nats.prefault({}).describe('State and messages across machines.'),
  records: records.prefault({}).describe('Call records.'),
  webhooks: webhooks.prefault({}).describe('Events to other systems, by HTTP.'),
  conferenceEvents: conferenceEvents
    .prefault({})
    .describe('Subscriptions to conferences by SIP (RFC 4575).'),
  shutdown: shutdown.prefault({}).describe('How the process ends.'),
});

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

type Parsed = DeepReadonly<z.output<typeof configSchema>>;
/** Complete, checked and frozen. */
export type Config = Omit<Parsed, 'mixer'> & {
  readonly mixer: Omit<Parsed['mixer'], 'adhoc'> & { readonly adhoc: boolean };
};
/** What a file or a command line may say: any part of it. */
export type ConfigInput = z.input<typeof configSchema>;

/** Keys whose values never leave the process. */
export const SECRET_KEYS: ReadonlySet<string> = new Set(['password', 'adminToken']);

/** The configuration as it may be shown. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      SECRET_KEYS.has(key) && inner !== undefined ? '[hidden]' : withoutSecrets(inner),
    ]),
  );
}
