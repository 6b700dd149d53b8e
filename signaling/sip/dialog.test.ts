import { describe, expect, it } from 'vitest';
import {
  ackInDialog,
  confirmDialog,
  type Dialog,
  dialogAsClient,
  dialogAsServer,
  nextHop,
  receiveInDialog,
  refreshTarget,
  requestInDialog,
} from './dialog.ts';
import { createHeaders } from './headers.ts';
import { EMPTY_BODY, type SipRequest, type SipResponse } from './message.ts';

type Fields = readonly (readonly [string, string])[];

const invite = (extra: Fields = []): SipRequest => ({
  kind: 'request',
  method: 'INVITE',
  uri: 'sip:bob@example.com',
  headers: createHeaders([
    ['From', '"Alice" <sip:alice@a.example>;tag=ta'],
    ['To', '<sip:bob@example.com>'],
    ['Call-ID', 'call-1'],
    ['CSeq', '314 INVITE'],
    ['Contact', '"A" <sip:alice@192.0.2.1:5070;transport=tcp>;expires=5'],
    ...extra,
  ]),
  body: EMPTY_BODY,
});

const response = (status: number, extra: Fields = []): SipResponse => ({
  kind: 'response',
  status,
  reasonPhrase: '',
  headers: createHeaders([
    ['To', '<sip:bob@example.com>;tag=tb'],
    ['CSeq', '314 INVITE'],
    ...extra,
  ]),
  body: EMPTY_BODY,
});

function must<T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const ROUTES: Fields = [['Record-Route', '<sip:p1;lr>, <sip:p2;lr>']];

describe('dialogs (RFC 3261 section 12)', () => {
  it('of the called side: routes in order, tags and targets', () => {
    const dialog = must(dialogAsServer(invite(ROUTES), 'tb'));
    expect(dialog).toEqual({
      callId: 'call-1',
      localTag: 'tb',
      remoteTag: 'ta',
      local: '<sip:bob@example.com>;tag=tb',
      remote: '"Alice" <sip:alice@a.example>;tag=ta',
      localCSeq: 0,
      remoteCSeq: 314,
      routeSet: ['<sip:p1;lr>', '<sip:p2;lr>'],
      remoteTarget: 'sip:alice@192.0.2.1:5070;transport=tcp',
      confirmed: false,
    });
  });

  it('of the caller: routes reversed', () => {
    const dialog = must(
      dialogAsClient(invite(), response(180, [...ROUTES, ['Contact', '<sip:b@192.0.2.2>']])),
    );
    expect(dialog).toMatchObject({
      localTag: 'ta',
      remoteTag: 'tb',
      localCSeq: 314,
      remoteCSeq: undefined,
      routeSet: ['<sip:p2;lr>', '<sip:p1;lr>'],
      remoteTarget: 'sip:b@192.0.2.2',
    });
  });

  it('the 2xx has the last word on routes and target (section 13.2.2.4)', () => {
    const early = must(dialogAsClient(invite(), response(180, ROUTES)));
    const confirmed = confirmDialog(
      early,
      response(200, [
        ['Record-Route', '<sip:p3;lr>'],
        ['Contact', '<sip:c@192.0.2.3>'],
      ]),
    );
    expect(confirmed).toMatchObject({
      routeSet: ['<sip:p3;lr>'],
      remoteTarget: 'sip:c@192.0.2.3',
      confirmed: true,
    });
  });

  it('requests: loose routing', () => {
    const dialog = must(dialogAsServer(invite(ROUTES), 'tb'));
    const first = requestInDialog(dialog, 'INFO');
    const second = requestInDialog(first.dialog, 'BYE', { headers: [['Reason', 'SIP']] });
    expect(first.request.headers.get('CSeq')).toBe('1 INFO');
    expect(second.request).toMatchObject({
      method: 'BYE',
      uri: 'sip:alice@192.0.2.1:5070;transport=tcp',
    });
    expect([...second.request.headers].map(({ name, value }) => `${name}: ${value}`)).toEqual([
      'Max-Forwards: 70',
      'Route: <sip:p1;lr>',
      'Route: <sip:p2;lr>',
      'From: <sip:bob@example.com>;tag=tb',
      'To: "Alice" <sip:alice@a.example>;tag=ta',
      'Call-ID: call-1',
      'CSeq: 2 BYE',
      'Reason: SIP',
    ]);
    expect(nextHop(dialog)).toBe('sip:p1;lr');
  });

  it('requests: a strict router becomes the Request-URI, the target the last route', () => {
    const routes: Fields = [['Record-Route', '<sip:p1>, <sip:p2;lr>']];
    const dialog = must(dialogAsServer(invite(routes), 'tb'));
    const ack = ackInDialog(dialog, 7);
    expect(ack.uri).toBe('sip:p1');
    expect(ack.headers.get('CSeq')).toBe('7 ACK');
    expect(ack.headers.all('Route')).toEqual([
      '<sip:p2;lr>',
      '<sip:alice@192.0.2.1:5070;transport=tcp>',
    ]);
    expect(nextHop(dialog)).toBe('sip:p1');
  });

  it('numbers of the peer only grow (section 12.2.2)', () => {
    const dialog = must(dialogAsServer(invite(), 'tb'));
    const at = (number: number): SipRequest => ({
      ...invite(),
      headers: invite().headers.with('CSeq', `${number} INFO`),
    });
    expect(receiveInDialog(dialog, at(313)).ok).toBe(false);
    const next: Dialog = must(receiveInDialog(dialog, at(400)));
    expect(next.remoteCSeq).toBe(400);
    expect(receiveInDialog(next, at(399)).ok).toBe(false);
  });

  it('the target moves, but not to nonsense', () => {
    const dialog = must(dialogAsServer(invite(), 'tb'));
    const moved = refreshTarget(dialog, response(200, [['Contact', '<sip:new@192.0.2.9>']]));
    expect(moved.remoteTarget).toBe('sip:new@192.0.2.9');
    for (const contact of ['<tel:+1>', '*', '<http://x>', '<sip:>']) {
      expect(refreshTarget(dialog, response(200, [['Contact', contact]]))).toBe(dialog);
    }
    expect(refreshTarget(dialog, response(200))).toBe(dialog);
  });

  it('what makes no dialog', () => {
    const without = { ...invite(), headers: invite().headers.without('Contact') };
    expect(dialogAsServer(without, 'tb').ok).toBe(false);
    const loop = Array.from({ length: 31 }, () => '<sip:p;lr>').join(', ');
    expect(dialogAsServer(invite([['Record-Route', loop]]), 'tb').ok).toBe(false);
    // A 2xx without Contact is wrong, and still has to be acknowledged somewhere.
    expect(must(dialogAsClient(invite(), response(200))).remoteTarget).toBe('sip:bob@example.com');
  });
});
