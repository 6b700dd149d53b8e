/** Whole messages to be damaged. `{…}` are filled in by the test that sends them. */

export const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 49170 RTP/AVP 0 8 101',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  'a=ptime:20',
  'a=sendrecv',
  '',
].join('\r\n');

function request(method: string, cseq: string, extra: readonly string[], body = ''): string {
  return [
    `${method} sip:2000@{target} SIP/2.0`,
    'Via: SIP/2.0/UDP 127.0.0.1:{port};rport;branch=z9hG4bK{branch}',
    'Max-Forwards: 70',
    'From: "Mallory \\"the\\" caller" <sip:mallory@127.0.0.1>;tag={tag}',
    `To: <sip:2000@{target}>${method === 'INVITE' || method === 'OPTIONS' ? '' : ';tag=nobody'}`,
    'Call-ID: {callId}',
    `CSeq: ${cseq}`,
    'Contact: <sip:mallory@127.0.0.1:{port}>',
    ...extra,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}

export const SIP_CORPUS: readonly string[] = [
  request(
    'INVITE',
    '1 INVITE',
    [
      'Supported: timer, 100rel',
      'Session-Expires: 1800;refresher=uac',
      'Allow: INVITE, ACK, BYE, CANCEL, UPDATE',
    ],
    SDP,
  ),
  request(
    'INVITE',
    '1 INVITE',
    ['Require: 100rel', 'Route: <sip:127.0.0.1;lr>', 'P-Asserted-Identity: <tel:+15551234>'],
    SDP,
  ),
  request('OPTIONS', '2 OPTIONS', ['Accept: application/sdp']),
  request('BYE', '3 BYE', ['Reason: Q.850;cause=16;text="bye"']),
  request('CANCEL', '1 CANCEL', []),
  request('ACK', '1 ACK', []),
  request('UPDATE', '4 UPDATE', ['Min-SE: 90'], SDP),
  request('PRACK', '5 PRACK', ['RAck: 776656 1 INVITE']),
  request('INFO', '6 INFO', ['Content-Type: application/dtmf-relay']),
  request('SUBSCRIBE', '7 SUBSCRIBE', ['Event: conference', 'Expires: 60']),
  request('REGISTER', '8 REGISTER', [
    'Authorization: Digest username="a", realm="b", nonce="c", uri="sip:x", response="00000000000000000000000000000000"',
  ]),
  [
    'SIP/2.0 200 OK',
    'v: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{branch}',
    'f: <sip:mallory@127.0.0.1>;tag={tag}',
    't: <sip:2000@{target}>;tag=1',
    'i: {callId}',
    'CSeq: 1 INVITE',
    'l: 0',
    '',
    '',
  ].join('\r\n'),
];

/** RTP and RTCP as a peer with the right port could send them. */
export function rtpCorpus(): readonly Uint8Array[] {
  const rtp = Buffer.alloc(172, 0xff);
  rtp.writeUInt32BE(0x80000001, 0);
  rtp.writeUInt32BE(160, 4);
  rtp.writeUInt32BE(0xdeadbeef, 8);
  const event = Buffer.from('8065000200000140deadbeef018a0320', 'hex');
  const extended = Buffer.concat([
    Buffer.from('9000000300000280deadbeefbede000110aa0000', 'hex'),
    Buffer.alloc(160, 0x7f),
  ]);
  const senderReport = Buffer.from(
    '80c80006deadbeef0000000100000002000000030000000400000005',
    'hex',
  );
  const receiverReport = Buffer.from(
    '81c90007deadbeef01020304ff00000100000001000000020000000300000004',
    'hex',
  );
  const bye = Buffer.from('81cb0001deadbeef', 'hex');
  return [rtp, event, extended, senderReport, receiverReport, bye];
}
