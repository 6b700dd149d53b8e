/** Relations between keys, which no single field can check. Pure: a configuration in, problems out. */
import { isIP } from 'node:net';
import {
  type Address,
  hostPort,
  MIXER_PORT_OFFSET,
  mixerAddress,
  mixerClasses,
  vruAddress,
} from './addresses.ts';
import { type Config, ROLE_NAMES } from './config.ts';

export interface Problem {
  /** The key, as path. */
  readonly path: readonly (string | number)[];
  /** What was expected, what came, what to do. */
  readonly message: string;
}

/** A leg takes two ports; fewer than this many legs a media engine is surely a slip. */
const LEAST_LEGS_PER_ENGINE = 4;

const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::';

export function crossCheck(config: Config): readonly Problem[] {
  return [
    ...checkPorts(config),
    ...checkRtpRange(config),
    ...checkAddresses(config),
    ...checkAuthentication(config),
    ...checkConferenceEvents(config),
    ...checkTrunks(config),
    ...checkRelease(config),
  ];
}

interface Listener extends Address {
  readonly path: readonly (string | number)[];
  readonly name: string;
}

function listeners(config: Config): readonly Listener[] {
  const all: Listener[] = [];
  if (config.roles.includes('vru')) {
    for (let index = 0; index < config.vru.count; index++) {
      all.push({ ...vruAddress(config, index), path: ['sip', 'port'], name: `VRU ${index + 1}` });
    }
  }
  if (config.roles.includes('mixer')) {
    for (const index of mixerClasses(config).keys()) {
      all.push({
        ...mixerAddress(config, index),
        path: ['sip', 'port'],
        name: `mixer ${index + 1}`,
      });
    }
  }
  if (config.http.port !== 0) {
    all.push({
      address: config.http.address,
      port: config.http.port,
      path: ['http', 'port'],
      name: 'HTTP API',
    });
  }
  return all;
}

function checkPorts(config: Config): readonly Problem[] {
  const problems: Problem[] = [];
  const seen: Listener[] = [];
  for (const listener of listeners(config)) {
    if (listener.port > 65_535) {
      problems.push({
        path: ['sip', 'port'],
        message: `${listener.name} would listen on port ${listener.port}, above 65535; expected sip.port + ${MIXER_PORT_OFFSET} + the number of mixers to stay below; lower sip.port`,
      });
      break;
    }
    const other = seen.find(
      (earlier) =>
        earlier.port === listener.port &&
        (earlier.address === listener.address ||
          isWildcard(earlier.address) ||
          isWildcard(listener.address)),
    );
    if (other !== undefined) {
      problems.push({
        path: listener.path,
        message: `${listener.name} and ${other.name} both on ${hostPort(listener)}; expected ports of their own; change http.port or sip.port (VRUs take sip.port and the next ones, mixers sip.port + ${MIXER_PORT_OFFSET} and the next ones)`,
      });
    }
    seen.push(listener);
  }
  return problems;
}

function checkRtpRange(config: Config): readonly Problem[] {
  const { portMin, portMax } = config.media;
  const problems: Problem[] = [];
  if (portMin % 2 !== 0) {
    problems.push({
      path: ['media', 'portMin'],
      message: `expected an even port (RFC 3550 section 11), got ${portMin}; take ${portMin + 1}`,
    });
  }
  const runsMixers = config.roles.includes('mixer');
  const engines =
    (config.roles.includes('vru') ? 1 : 0) + (runsMixers ? mixerClasses(config).length : 0);
  const least = engines * LEAST_LEGS_PER_ENGINE * 2;
  if (portMax - portMin + 1 < least) {
    problems.push({
      path: ['media', 'portMax'],
      message: `expected at least ${least} RTP ports (${engines} media engines, ${LEAST_LEGS_PER_ENGINE} legs of two ports each), got ${portMin} to ${portMax}; set media.portMax to ${portMin + least - 1} or more`,
    });
  }
  const inside = listeners(config).find(({ port }) => port >= portMin && port <= portMax);
  if (inside !== undefined) {
    problems.push({
      path: ['media', 'portMin'],
      message: `the RTP range ${portMin} to ${portMax} contains ${inside.name} on port ${inside.port}; expected ranges apart; move media.portMin and media.portMax or ${inside.path.join('.')}`,
    });
  }
  return problems;
}

function checkAddresses(config: Config): readonly Problem[] {
  const problems: Problem[] = [];
  if (isWildcard(config.sip.address) && config.sip.advertisedAddress === undefined) {
    problems.push({
      path: ['sip', 'advertisedAddress'],
      message: `missing; expected the address that peers use, as sip.address is ${config.sip.address}; set it, or give sip.address one address`,
    });
  }
  const advertised = config.sip.advertisedAddress;
  if (advertised !== undefined && isWildcard(advertised)) {
    problems.push({
      path: ['sip', 'advertisedAddress'],
      message: `expected an address that peers can reach, got ${advertised}; name one address of this machine or of its NAT`,
    });
  }
  return problems;
}

function checkAuthentication(config: Config): readonly Problem[] {
  const problems: Problem[] = [];
  const { authentication, users, sessionExpiresS, minimumSessionExpiresS } = config.sip;
  if (authentication === 'digest' && users.length === 0) {
    problems.push({
      path: ['sip', 'users'],
      message:
        'expected at least one user, as sip.authentication is digest; add one, or set sip.authentication to none',
    });
  }
  problems.push(...checkNames(users, ['sip', 'users']));
  if (minimumSessionExpiresS > sessionExpiresS) {
    problems.push({
      path: ['sip', 'minimumSessionExpiresS'],
      message: `expected at most sip.sessionExpiresS (${sessionExpiresS}), got ${minimumSessionExpiresS}; lower it`,
    });
  }
  return problems;
}

function checkNames(
  users: readonly { readonly username: string }[],
  path: readonly string[],
): readonly Problem[] {
  const seen = new Set<string>();
  return users.flatMap(({ username }, index) => {
    const double = seen.has(username);
    seen.add(username);
    const message = `expected a name of its own, got ${username} for the second time; remove one`;
    return double ? [{ path: [...path, index, 'username'], message }] : [];
  });
}

function checkConferenceEvents({ conferenceEvents }: Config): readonly Problem[] {
  const { subscribers, minimumExpiresS, maximumExpiresS } = conferenceEvents;
  const problems = [...checkNames(subscribers, ['conferenceEvents', 'subscribers'])];
  if (minimumExpiresS > maximumExpiresS) {
    problems.push({
      path: ['conferenceEvents', 'minimumExpiresS'],
      message: `expected at most conferenceEvents.maximumExpiresS (${maximumExpiresS}), got ${minimumExpiresS}; lower it`,
    });
  }
  return problems;
}

function checkTrunks({ trunks }: Config): readonly Problem[] {
  return trunks.flatMap((trunk, index) => {
    const problems: Problem[] = [];
    const say = (key: string, message: string): void => {
      problems.push({ path: ['trunks', index, key], message });
    };
    const { name, servers, username, password, register } = trunk;
    if (trunks.findIndex((other) => other.name === name) !== index) {
      say('name', `expected a name of its own, got ${name} for the second time; rename one`);
    }
    if ((username === undefined) !== (password === undefined)) {
      const [there, missing] =
        username === undefined ? ['password', 'username'] : ['username', 'password'];
      say(missing, `missing; expected both or none, as ${there} is there; add it`);
    }
    if (register && username === undefined) {
      say(
        'username',
        'missing; expected one, as register is true; add it, or set register to false',
      );
    }
    const named = servers.find((server) => isIP(hostOf(server)) === 0);
    if (servers.length > 1 && named !== undefined) {
      say(
        'servers',
        `expected addresses, as there are several, got the name ${named}; give addresses, or one name alone`,
      );
    }
    return problems;
  });
}

function hostOf(server: string): string {
  if (server.startsWith('[')) return server.slice(1, server.indexOf(']'));
  return server.split(':')[0] ?? server;
}

function checkRelease(config: Config): readonly Problem[] {
  const problems: Problem[] = [];
  if (config.nats.url !== undefined) {
    problems.push({
      path: ['nats', 'url'],
      message:
        'not supported by this release, which keeps its state in the embedded store; roles in several processes over NATS come with a later release; remove nats.url (or --nats)',
    });
  } else {
    const missing = ROLE_NAMES.filter((role) => !config.roles.includes(role));
    // A mixer alone is of use: ad-hoc conferences of SIP peers and load generators need no other role.
    const mixersAlone = config.roles.every((role) => role === 'mixer');
    if (missing.length > 0 && !mixersAlone) {
      problems.push({
        path: ['roles'],
        message: `expected all roles, or mixer alone, as roles in several processes need NATS, which comes with a later release; missing: ${missing.join(', ')}; use --role all`,
      });
    }
  }
  return problems;
}
