import { describe, expect, it } from 'vitest';
import type { CallId } from '../common/ids.ts';
import { createHeaders } from '../signaling/sip/headers.ts';
import { EMPTY_BODY } from '../signaling/sip/message.ts';
import { parseNameAddress } from '../signaling/sip/uri.ts';
import { identify } from './routing.ts';

function call(uri: string, headers: readonly (readonly [string, string])[] = []) {
  const all = createHeaders([['To', '<sip:7777@vru.example>'], ...headers]);
  const remote = parseNameAddress(all.get('From') ?? '"Bob" <sip:bob@example.org>;tag=1');
  if (!remote.ok) throw new Error('bad From in the test');
  return identify({
    id: 'k1' as CallId,
    invite: { kind: 'request', method: 'INVITE', uri, headers: all, body: EMPTY_BODY },
    remote: remote.value,
  });
}

describe('R40: the number dialled', () => {
  it('is the user of the Request-URI', () => {
    expect(call('sip:1000@vru.example').caller.dnis).toBe('1000');
    expect(call('sip:+1-555-0100;phone-context=x@vru.example;user=phone').caller.dnis).toBe(
      '+15550100',
    );
    expect(call('tel:+1(555)0100').caller.dnis).toBe('+15550100');
  });

  it('is the dnis parameter where a gateway gives one', () => {
    expect(call('sip:vru@vru.example;dnis=2000').caller.dnis).toBe('2000');
  });

  it('else P-Called-Party-ID, else To', () => {
    expect(call('sip:vru.example', [['P-Called-Party-ID', '<sip:1000@x>']]).caller.dnis).toBe(
      '1000',
    );
    expect(call('sip:vru.example').caller.dnis).toBe('7777');
  });
});

describe('the caller', () => {
  it('is who the network says, else who he says', () => {
    const asserted = call('sip:1000@x', [
      ['From', '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1'],
      ['P-Asserted-Identity', '"Alice" <sip:+15550001@gw>, <tel:+15550001>'],
    ]);
    expect(asserted.caller).toMatchObject({ callerNumber: '+15550001', callerName: 'Alice' });
    expect(call('sip:1000@x').caller).toMatchObject({ callerNumber: 'bob', callerName: 'Bob' });
  });

  it('stays unknown to the others when he asks for it (RFC 3325)', () => {
    const hidden = call('sip:1000@x', [
      ['P-Asserted-Identity', '"A" <sip:+1555@gw>'],
      ['Privacy', 'critical; id'],
    ]);
    expect(hidden.caller.callerNumber).toBe('anonymous');
    expect(hidden.caller.callerName).toBeUndefined();
  });

  it('keeps who was dialled first', () => {
    expect(call('sip:1000@x', [['Diversion', '<sip:8888@gw>;reason=user-busy']]).diversion).toBe(
      '8888',
    );
  });

  it('survives headers that cannot be read', () => {
    expect(
      call('sip:1000@x', [
        ['P-Asserted-Identity', '<<<'],
        ['Diversion', ','],
      ]).caller.callerNumber,
    ).toBe('bob');
  });
});
