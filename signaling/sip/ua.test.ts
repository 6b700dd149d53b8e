import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { systemRandom } from '../../common/ids.ts';
import { silentLogger } from '../../common/log.ts';
import { createMetrics } from '../../common/metrics.ts';
import { FakeMedia } from './fake-media.ts';
import { createUserAgent } from './ua.ts';
import type { UserAgentOptions } from './ua-options.ts';
import type { SessionEnd, UserAgent, UserAgentEvents } from './user-agent.ts';

const LOCAL = { address: '127.0.0.1', port: 0 };

function agent(events: UserAgentEvents, listen: UserAgentOptions['listen']): UserAgent {
  return createUserAgent({
    ...(listen === undefined ? {} : { listen }),
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    metrics: createMetrics(),
    events,
  });
}

const answering: UserAgentEvents = {
  onInvite: (session) => {
    session.ring();
    void session.accept(new FakeMedia({ rtpPort: 50_000 }));
  },
};

const pem = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'transport', 'fixtures', `${name}.pem`), 'utf8');

describe('real sockets, R47', () => {
  it.each(['udp', 'tcp', 'tls'] as const)('two agents over %s', async (kind) => {
    const certificate = pem('certificate');
    const secure = { ...LOCAL, key: pem('key'), certificate, authorities: certificate };
    const listen = { [kind]: kind === 'tls' ? secure : LOCAL };
    const called = agent(answering, listen);
    const caller = agent(answering, listen);
    expect((await called.start()).ok && (await caller.start()).ok).toBe(true);
    expect(called.contact.parameters.get('transport')).toBe(kind === 'udp' ? undefined : kind);
    const end = await new Promise<SessionEnd>((resolve) => {
      const session = caller.invite({
        to: { ...called.contact, user: '1000' },
        media: new FakeMedia(),
        events: {
          onEstablished: () => {
            expect(session.flow).toBe(`${kind}:127.0.0.1:${called.contact.port}`);
            void session.reinvite().then((changed) => {
              expect(changed.ok).toBe(true);
              return session.end();
            });
          },
          onEnded: resolve,
        },
      });
    });
    expect(end).toEqual({ by: 'local', established: true });
    await Promise.all([called.stop(), caller.stop()]);
  });

  it('an address in use is named, with what to do', async () => {
    const one = agent(answering, { udp: LOCAL });
    await one.start();
    const { port } = one.contact;
    const two = agent(answering, { udp: { address: '127.0.0.1', port: port ?? 0 } });
    const started = await two.start();
    expect(started.ok ? '' : started.error.message).toMatch(
      new RegExp(`127\\.0\\.0\\.1:${port} is in use; stop the other program`),
    );
    await Promise.all([one.stop(), two.stop()]);
  });

  it('200 calls at once over TCP, all established and ended', async () => {
    const called = agent(answering, { tcp: LOCAL });
    const caller = agent(answering, { tcp: LOCAL });
    await called.start();
    await caller.start();
    const ends = await Promise.all(
      Array.from(
        { length: 200 },
        () =>
          new Promise<SessionEnd>((resolve) => {
            const session = caller.invite({
              to: called.contact,
              media: new FakeMedia(),
              events: { onEstablished: () => void session.end(), onEnded: resolve },
            });
          }),
      ),
    );
    expect(ends.filter((end) => end.established)).toHaveLength(200);
    expect(caller.sessionCount + called.sessionCount).toBe(0);
    await Promise.all([called.stop(), caller.stop()]);
  });
});
