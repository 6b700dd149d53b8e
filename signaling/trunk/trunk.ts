/**
 * Trunks as SIP sees them: from a number to the INVITE that calls it, and the registrations that bring calls
 * to us. Start at `Trunks`. Whether a number may be called is dial-plan.ts; who pays is decided by
 * signaling/conference/dialling.ts.
 */
import { MediaError } from '../../common/errors.ts';
import type { Logger } from '../../common/log.ts';
import type { GaugeMetric, Metrics } from '../../common/metrics.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import { registrarUri } from '../sip/registration/registration.ts';
import type { SipUri } from '../sip/uri.ts';
import type {
  Credentials,
  InviteOptions,
  Registration,
  RegistrationStatus,
  UserAgent,
} from '../sip/user-agent.ts';
import { allows, maskNumber, type TrunkPlan } from './dial-plan.ts';

export interface TrunkSettings extends TrunkPlan {
  /** `host` or `host:port`. */
  readonly servers: readonly string[];
  readonly transport: 'udp' | 'tcp';
  readonly domain?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly realm?: string | undefined;
  readonly register: boolean;
  readonly registerExpiresS: number;
  readonly callerNumber?: string | undefined;
  readonly numberFormat: 'plus' | 'digits';
  readonly numberPrefix: string;
}

/** What an operator sees of one trunk. */
export interface TrunkState {
  readonly name: string;
  /** `static`: it has no registration. */
  readonly registration: 'static' | RegistrationStatus['state'];
  /** Why the registration failed; empty: it did not. */
  readonly detail: string;
}

/** Where and as whom; the rest of an INVITE is the caller's. */
export type TrunkInvite = Pick<
  InviteOptions,
  'to' | 'from' | 'outboundProxy' | 'credentials' | 'loggedTo'
>;

export interface TrunksOptions {
  readonly trunks: readonly TrunkSettings[];
  /** Only one VRU of a process registers, or a registrar would send every call to all of them. */
  readonly registers: boolean;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export class Trunks {
  readonly #options: TrunksOptions;
  readonly #registered: GaugeMetric;
  readonly #registrations = new Map<string, Registration>();

  constructor(options: TrunksOptions) {
    this.#options = options;
    this.#registered = options.metrics.gauge(
      'minusone_trunk_registered',
      'Whether the registration of a trunk holds: 1 or 0.',
      ['trunk'],
    );
  }

  get names(): readonly string[] {
    return this.#options.trunks.map(({ name }) => name);
  }

  /** After the agent has started. */
  start(agent: UserAgent): void {
    const { trunks, registers, log } = this.#options;
    if (!registers) return;
    for (const trunk of trunks) {
      const { username, name } = trunk;
      if (!trunk.register || username === undefined) continue;
      this.#registered.set(0, { trunk: name });
      const registrar = registrarUri(domainOf(trunk));
      const credentials = credentialsOf(trunk);
      const registration = agent.register({
        registrar,
        address: { ...registrar, user: username },
        contactUser: digitsOf(trunk.callerNumber ?? username),
        expiresS: trunk.registerExpiresS,
        ...(credentials === undefined ? {} : { credentials }),
        outboundProxy: proxiesOf(trunk),
        onStatus: ({ state, detail }) => {
          this.#registered.set(state === 'registered' ? 1 : 0, { trunk: name });
          if (state === 'failed') log.warn({ trunk: name, detail }, 'trunk not registered');
          else log.info({ trunk: name, state }, 'trunk registration');
        },
      });
      this.#registrations.set(name, registration);
    }
  }

  states(): readonly TrunkState[] {
    return this.#options.trunks.map(({ name, register }) => {
      const status = this.#registrations.get(name)?.status;
      if (status !== undefined) {
        return { name, registration: status.state, detail: status.detail };
      }
      return { name, registration: register ? 'stopped' : 'static', detail: '' };
    });
  }

  /** Refuses once more what the plan does not allow, as this is the last place before the wire. */
  invite(
    name: string,
    number: string,
    callerNumber: string | undefined,
  ): Result<TrunkInvite, MediaError> {
    const trunk = this.#options.trunks.find((one) => one.name === name);
    if (trunk === undefined)
      return fail(new MediaError('not-allowed', `there is no trunk ${name}`));
    if (!allows(trunk, number)) {
      this.#options.log.error(
        { trunk: name, number: maskNumber(number) },
        'a call that the trunk does not allow was asked for',
      );
      return fail(new MediaError('not-allowed', `trunk ${name} does not allow this number`));
    }
    const credentials = credentialsOf(trunk);
    const registrar = registrarUri(domainOf(trunk));
    const from = callerNumber ?? trunk.callerNumber ?? trunk.username ?? 'anonymous';
    return ok({
      to: { ...registrar, user: formatted(trunk, number) },
      from: {
        displayName: undefined,
        uri: { ...registrar, user: from },
        parameters: new Map(),
      },
      outboundProxy: proxiesOf(trunk),
      loggedTo: `${maskNumber(number)} by ${name}`,
      ...(credentials === undefined ? {} : { credentials }),
    });
  }
}

function credentialsOf({ username, password, realm }: TrunkSettings): Credentials | undefined {
  if (username === undefined || password === undefined) return undefined;
  return { username, password, ...(realm === undefined ? {} : { realm }) };
}

function domainOf({ domain, servers }: TrunkSettings): string {
  return domain ?? servers[0] ?? 'localhost';
}

/** `udp:203.0.113.5:5060` for addresses; a name as URI without a port unless given, so that DNS chooses (RFC 3263). */
function proxiesOf({ servers, transport }: TrunkSettings): readonly string[] {
  return servers.map((server) => {
    const uri: SipUri = registrarUri(server);
    if (uri.port !== undefined) return `${transport}:${server}`;
    if (/^[0-9.]+$|^\[/.test(server)) return `${transport}:${server}:5060`;
    return `sip:${server};transport=${transport}`;
  });
}

const digitsOf = (number: string): string => number.replace(/^\+/, '');

function formatted({ numberFormat, numberPrefix }: TrunkSettings, number: string): string {
  return numberPrefix + (numberFormat === 'digits' ? digitsOf(number) : number);
}
