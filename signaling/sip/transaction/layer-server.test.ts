import { describe, expect, it } from 'vitest';
import {
  ALICE,
  answer,
  BOB,
  makeRequest,
  parsed,
  raw,
  recorder,
  setUp,
  target,
  wire,
} from './sim-stack.ts';

describe('server transactions on UDP', () => {
  it('answers 100 after 200 ms if the user has not answered (section 17.2.1)', async () => {
    const { clock, network, stack } = setUp();
    const alice = await stack(ALICE);
    await stack(BOB);
    alice.layer.send(makeRequest('INVITE'), [target(BOB)], recorder([]));
    await clock.advance(5000);
    expect(wire(network)).toEqual(['0 1>2 INVITE', '201 2>1 100']);
  });

  it('retransmits a refusal by timer G until the ACK, else H ends it', async () => {
    const { clock, network, stack } = setUp();
    const errors: string[] = [];
    const bob = await stack(BOB, {
      onRequest: (transaction) => {
        transaction.onTransportError = (error) => errors.push(error.code);
        answer(486)(transaction);
      },
    });
    const times: number[] = [];
    const peer = network.attach('udp', '192.0.2.9', 5060, () => times.push(clock.nowMs() - 2));
    peer.send(raw(makeRequest('INVITE'), 'z9hG4bKa'), { remoteAddress: BOB, remotePort: 5060 });
    await clock.advance(40_000);
    expect(times).toEqual([0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    expect(errors).toEqual(['timeout']);
    expect(bob.layer.counts.inviteServer).toBe(0);

    times.length = 0;
    const invite = makeRequest('INVITE', { callId: 'second' });
    peer.send(raw(invite, 'z9hG4bKb'), { remoteAddress: BOB, remotePort: 5060 });
    await clock.advance(10);
    const ack = { ...invite, method: 'ACK', headers: invite.headers.with('CSeq', '1 ACK') };
    peer.send(raw(ack, 'z9hG4bKb'), { remoteAddress: BOB, remotePort: 5060 });
    await clock.advance(40_000);
    expect(times).toHaveLength(1);
    expect(bob.told).toEqual(['INVITE', 'INVITE']);
    expect(clock.timerCount).toBe(0);
  });

  it('absorbs retransmissions: one request to the user, the last response again (R47)', async () => {
    const { clock, network, stack } = setUp();
    const bob = await stack(BOB, { onRequest: answer(180) });
    const got: number[] = [];
    const peer = network.attach('udp', '192.0.2.9', 5060, (bytes) => {
      const message = parsed(bytes);
      if (message.kind === 'response') got.push(message.status);
    });
    const to = { remoteAddress: BOB, remotePort: 5060 };
    const invite = raw(makeRequest('INVITE'), 'z9hG4bKa');
    for (let copy = 0; copy < 5; copy++) {
      peer.send(invite, to);
      await clock.advance(10);
    }
    expect(bob.told).toEqual(['INVITE']);
    expect(got).toEqual([180, 180, 180, 180, 180]);
    const [transaction] = bob.requests;
    if (transaction === undefined) throw new Error('no INVITE');
    answer(200)(transaction);
    // RFC 6026: in Accepted the INVITE is absorbed in silence; the ACK has a branch of its own.
    peer.send(invite, to);
    const ack = makeRequest('ACK');
    peer.send(raw(ack, 'z9hG4bKack'), to);
    await clock.advance(10);
    expect(got).toEqual([180, 180, 180, 180, 180, 200]);
    expect(bob.told).toEqual(['INVITE', 'ACK']);
  });

  it('matches RFC 2543 peers and bare cookies by their other fields', async () => {
    for (const via of ['SIP/2.0/UDP 192.0.2.9', 'SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK']) {
      const { clock, network, stack } = setUp();
      const bob = await stack(BOB, { onRequest: answer(486) });
      const peer = network.attach('udp', '192.0.2.9', 5060, () => undefined);
      const to = { remoteAddress: BOB, remotePort: 5060 };
      const invite = makeRequest('INVITE');
      peer.send(raw(invite, '', via), to);
      peer.send(raw(invite, '', via), to);
      await clock.advance(10);
      const acked = invite.headers.with('CSeq', '1 ACK').with('To', '<sip:bob@192.0.2.2>;tag=bob');
      peer.send(raw({ ...invite, method: 'ACK', headers: acked }, '', via), to);
      await clock.advance(6000);
      expect(bob.told).toEqual(['INVITE']);
      expect(bob.layer.counts.inviteServer).toBe(0);
      peer.send(raw(makeRequest('INVITE', { callId: 'other' }), '', via), to);
      await clock.advance(10);
      expect(bob.told).toEqual(['INVITE', 'INVITE']);
    }
  });

  it('answers 482 to the same request on another path (section 8.2.2.2)', async () => {
    const { clock, network, stack } = setUp();
    const bob = await stack(BOB, { onRequest: answer(180) });
    const got: number[] = [];
    const peer = network.attach('udp', '192.0.2.9', 5060, (bytes) => {
      const message = parsed(bytes);
      if (message.kind === 'response') got.push(message.status);
    });
    const to = { remoteAddress: BOB, remotePort: 5060 };
    peer.send(raw(makeRequest('INVITE'), 'z9hG4bKone'), to);
    peer.send(raw(makeRequest('INVITE'), 'z9hG4bKtwo'), to);
    await clock.advance(10);
    expect(got).toEqual([180, 482]);
    expect(bob.told).toEqual(['INVITE']);
  });

  it('answers 400 to what does not parse, drops what is not safe to answer', async () => {
    const { clock, network, stack } = setUp();
    const bob = await stack(BOB);
    const got: string[] = [];
    const peer = network.attach('udp', '192.0.2.9', 5060, (bytes) => {
      got.push(Buffer.from(bytes).toString().split('\r\n', 1)[0] ?? '');
    });
    const to = { remoteAddress: BOB, remotePort: 5060 };
    const bad = Buffer.from(raw(makeRequest('INVITE'), 'z9hG4bKx')).toString();
    peer.send(bad.replace('Call-ID', 'X-Call-ID'), to);
    peer.send(bad.replace('SIP/2.0\r\n', 'SIP/9.0\r\n'), to);
    peer.send(bad.replaceAll('INVITE', 'ACK').replace('Call-ID', 'X'), to);
    peer.send('\0\x01garbage garbage', to);
    await clock.advance(10);
    expect(got).toEqual([
      'SIP/2.0 400 Bad Request (no Call-ID)',
      'SIP/2.0 505 Version Not Supported (SIP version SIP/9.0)',
    ]);
    expect(bob.told).toEqual([]);
  });

  it.each([
    ['SIP/2.0/UDP 192.0.2.9:7000;branch=z9hG4bKx', '9:7000', undefined],
    ['SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx', '9', undefined],
    ['SIP/2.0/UDP 10.1.1.1:7000;branch=z9hG4bKx', '9:7000', 'received=192.0.2.9'],
    ['SIP/2.0/UDP 10.1.1.1:7000;rport;branch=z9hG4bKx', '9:6543', 'rport=6543'],
    ['SIP/2.0/UDP 192.0.2.9:7000;rport;branch=z9hG4bKx', '9:6543', 'received=192.0.2.9'],
    // What the peer writes about itself is not believed.
    ['SIP/2.0/UDP 192.0.2.9;received=198.51.100.7;branch=z9hG4bKx', '9', undefined],
    ['SIP/2.0/UDP 192.0.2.9;maddr=198.51.100.7;branch=z9hG4bKx', '9', undefined],
  ])('responds to %s at %s (section 18.2.2, RFC 3581)', async (via, destination, parameter) => {
    const { clock, network, stack } = setUp();
    await stack(BOB, { onRequest: answer(200) });
    const peer = network.attach('udp', '192.0.2.9', 6543, () => undefined);
    peer.send(raw(makeRequest('OPTIONS'), '', via), { remoteAddress: BOB, remotePort: 5060 });
    await clock.advance(10);
    expect(wire(network)[1]).toBe(`1 2>${destination} 200`);
    const stamped = parsed(network.trace[1]?.bytes ?? new Uint8Array()).headers.get('Via') ?? '';
    if (parameter === undefined) expect(stamped).not.toContain('received');
    else expect(stamped).toContain(parameter);
  });
});
