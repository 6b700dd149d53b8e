/** Conferences followed by SIP (RFC 4575), against the built program: a raw subscriber, sipp, a kill. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock as clock } from '../../common/clock.ts';
import { schemaErrors } from '../../signaling/derived/testing/schema.ts';
import { Attacker, type StolenDialog } from '../hostile/attacker.ts';
import { SDP } from '../hostile/corpus.ts';
import { HAS_SIPP, runSipp } from '../sipp/sipp.ts';
import { minusone } from './program.ts';
import { type Server, startServer, TOKEN } from './server.ts';
import { Subscriber } from './subscriber.ts';

const CONFIG = `
sip:
  # sipp 3.6 knows no other.
  digestAlgorithms: [MD5]
conferenceEvents:
  restMs: 100
  minimumExpiresS: 10
  conferees: all
  subscribers:
    - { username: desk, password: secret, accounts: [demo-start], see: roster }
    - { username: board, password: secret, accounts: ['*'] }
    - { username: other, password: secret, accounts: [demo-hold], see: roster }
`;
const HOST_CODE = '910001#';
const PARTICIPANT_CODE = '110001#';

let server: Server;
const phones: Attacker[] = [];
beforeAll(async () => {
  server = await startServer({ config: CONFIG });
});
afterAll(async () => {
  for (const phone of phones) phone.close();
  await server?.close();
});

/** A call that enters a code. */
async function call(
  user: string,
  code: string,
): Promise<{ phone: Attacker; dialog: StolenDialog }> {
  const phone = await Attacker.open(server.sip);
  phones.push(phone);
  const dialog = await phone.call('1000', SDP, user);
  await clock.sleep(300);
  dialog.press(code);
  return { phone, dialog };
}

const hangUp = ({ phone, dialog }: Awaited<ReturnType<typeof call>>): void =>
  phone.send(Buffer.from(dialog.request('BYE'), 'latin1'));

async function conferences(): Promise<readonly string[]> {
  const listed = await fetch(`${server.http}/api/v1/conferences`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  return [...(await listed.text()).matchAll(/"id":"(c[0-9a-z]+)"/g)].map((match) => match[1] ?? '');
}

/** With a host in it; the value is its id. */
async function begin(): Promise<string> {
  const before = new Set(await conferences());
  await call('ann', HOST_CODE);
  for (let waited = 0; waited < 20_000; waited += 100) {
    const found = (await conferences()).find((id) => !before.has(id));
    if (found !== undefined) return found;
    await clock.sleep(100);
  }
  throw new Error('no conference began');
}

const cli = async (...args: readonly string[]): Promise<void> => {
  const ran = await minusone(['conference', ...args], { url: server.http });
  if (ran.exitCode !== 0) throw new Error(ran.err);
};
const uriOf = (id: string): string => `sip:conf=${id}@${server.sip}`;
const has =
  (pattern: RegExp) =>
  ({ body }: { readonly body: string }): boolean =>
    pattern.test(body);

async function metric(line: string): Promise<number> {
  const text = await (await fetch(`${server.http}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(`${line} `))
      ?.split(' ')[1] ?? 0,
  );
}

describe('conference events', () => {
  it('a subscriber sees one come, be muted, leave, and the end', async () => {
    const id = await begin();
    const desk = await Subscriber.open(server.sip);
    const answer = await desk.subscribe({ uri: uriOf(id) });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('Allow-Events: conference');
    const bodies: string[] = [];
    const see = async (pattern: RegExp): Promise<string> => {
      const { body, contact } = await desk.next(has(pattern));
      expect(contact).toBe(`<${uriOf(id)}>;isfocus`);
      expect(schemaErrors(body)).toBe('');
      bodies.push(body);
      return body;
    };
    const first = await see(/state="full" version="0"/);
    expect(first).toMatch(/<roles><entry>host<\/entry><\/roles>/);
    const participant = await call('bob', PARTICIPANT_CODE);
    const joined = await see(/ordinal=2" state="full"/);
    expect(joined).toContain('state="partial"');
    expect(joined).toMatch(/>bob<[\s\S]*participant[\s\S]*connected/);
    await cli('mute', id, '2');
    await see(/ordinal=2" state="full"[\s\S]*muted-via-focus[\s\S]*recvonly/);
    await cli('lock', id);
    await see(/<locked>true<\/locked>/);
    hangUp(participant);
    await see(/ordinal=2" state="deleted"/);
    await cli('end', id);
    const last = await desk.next(({ state }) => state.startsWith('terminated'));
    expect(last.state).toBe('terminated;reason=noresource');
    expect(last.body).toContain('state="deleted"');
    expect(schemaErrors(last.body)).toBe('');
    const versions = bodies.map((body) => Number(/version="(\d+)"/.exec(body)?.[1]));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    desk.close();
  });

  it('each sees what it may: the roster, counts, nothing', async () => {
    const id = await begin();
    const subscriber = await Subscriber.open(server.sip);
    const asking = { uri: uriOf(id) };
    const unknown = await subscriber.subscribe({ uri: uriOf('cnotthere00000') });
    const foreign = await subscriber.subscribe({ ...asking, user: 'other' });
    const wrong = await subscriber.subscribe({ ...asking, password: 'guess' });
    expect([unknown.status, foreign.status, wrong.status]).toEqual([404, 404, 401]);
    const bare = (text: string): string =>
      text.replaceAll(/^(Via|From|To|Call-ID|CSeq):.*\r\n/gim, '');
    expect(bare(foreign.text)).toBe(bare(unknown.text));
    expect((await subscriber.subscribe({ ...asking, user: 'board' })).status).toBe(200);
    const counts = await subscriber.next(has(/user-count>1</));
    expect(counts.body).not.toMatch(/ann|<user |ordinal/);
    const mixer = /sip:conf=[^@]+@([0-9.:]+)/;
    expect(counts.contact).toMatch(mixer);
    await cli('end', id);
    subscriber.close();
  });

  it('a participant follows its own conference by its call, and is told its counts', async () => {
    const id = await begin();
    const bob = await call('bob', PARTICIPANT_CODE);
    const text = bob.dialog.request('OPTIONS');
    const part = (pattern: RegExp): string => pattern.exec(text)?.[1]?.trim() ?? '';
    const target = `${part(/^Call-ID: *(.*)$/m)};local-tag=${part(/^To:.*tag=([^\s;]+)/m)};remote-tag=${part(/^From:.*tag=([^\s;]+)/m)}`;
    const subscriber = await Subscriber.open(server.sip);
    const headers = [`Target-Dialog: ${target}`, 'Require: tdialog'];
    const asking = { uri: `sip:1000@${server.sip}`, headers, user: 'nobody' };
    let status = 0;
    // Its seat is there a moment after its code.
    for (let tries = 0; status !== 200 && tries < 50; tries++) {
      status = (await subscriber.subscribe(asking)).status;
      if (status !== 200) await clock.sleep(200);
    }
    const { body } = await subscriber.next(has(/user-count/));
    expect(body).toContain(`entity="${uriOf(id)}"`);
    expect(body).not.toMatch(/<user |ann/);
    hangUp(bob);
    const last = await subscriber.next(({ state }) => state.startsWith('terminated'));
    expect(last.state).toBe('terminated;reason=rejected');
    await cli('end', id);
    subscriber.close();
  });

  it.skipIf(!HAS_SIPP)('another stack: sipp sees the same', async () => {
    const id = await begin();
    const running = runSipp('events/uac-subscribe-expect-notify', {
      target: server.sip,
      number: `conf=${id}`,
      localPort: server.ports.own,
    });
    // Its steps are waited for by one that watches beside it.
    const watcher = await Subscriber.open(server.sip);
    await watcher.subscribe({ uri: uriOf(id) });
    await watcher.next(has(/version="0"/));
    for (let waited = 0; waited < 10_000; waited += 50) {
      if ((await metric('minusone_sip_subscriptions{event="conference"}')) >= 2) break;
      await clock.sleep(50);
    }
    await clock.sleep(500);
    const bob = await call('bob', PARTICIPANT_CODE);
    await watcher.next(has(/ordinal=2" state="full"/));
    await clock.sleep(500);
    await cli('mute', id, '2');
    await watcher.next(has(/muted-via-focus/));
    await clock.sleep(500);
    hangUp(bob);
    await watcher.next(has(/ordinal=2" state="deleted"/));
    await clock.sleep(500);
    await cli('end', id);
    const result = await running;
    if (result.exitCode !== 0) throw new Error(result.trace);
    expect([result.successful, result.failed]).toEqual([1, 0]);
    watcher.close();
  });

  it('what is refused, failed or left alone is seen, and nothing of it stays', async () => {
    const id = await begin();
    const deaf = await Subscriber.open(server.sip);
    deaf.answersWith = 481;
    await deaf.subscribe({ uri: uriOf(id) });
    for (let waited = 0; waited < 10_000; waited += 50) {
      if ((await metric('minusone_sip_subscriptions{event="conference"}')) === 0) break;
      await clock.sleep(50);
    }
    expect(await metric('minusone_sip_subscriptions{event="conference"}')).toBe(0);
    expect(
      await metric('minusone_sip_notifies_total{event="conference",outcome="failed"}'),
    ).toBeGreaterThan(0);
    expect(await metric('minusone_sip_subscribes_total{outcome="not-found"}')).toBeGreaterThan(0);
    await cli('end', id);
    deaf.close();
  });

  it('after a kill the old subscription is unknown: 481, and the next one begins', async () => {
    const id = await begin();
    const desk = await Subscriber.open(server.sip);
    const asking = { uri: uriOf(id) };
    expect((await desk.subscribe(asking)).status).toBe(200);
    await desk.next(has(/version="0"/));
    server.signal('SIGKILL');
    await server.exited;
    server = await startServer({ config: CONFIG, like: server });
    expect((await desk.refresh(asking)).status).toBe(481);
    const next = await begin();
    expect((await desk.subscribe({ uri: uriOf(next) })).status).toBe(200);
    await desk.next(has(/version="0"/));
    server.signal('SIGTERM');
    const last = await desk.next(({ state }) => state.startsWith('terminated'));
    expect(last.state).toMatch(/^terminated;reason=(probation;retry-after=\d+|noresource)$/);
    await server.exited;
    desk.close();
  });
});
