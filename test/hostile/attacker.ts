/**
 * A peer that does not play by the rules: sends whatever it is given, and hangs up every call that
 * comes about by accident, so that a test need not wait for the server to give them up.
 */
import { createSocket, type Socket } from 'node:dgram';
import { connect } from 'node:net';

const HOST = '127.0.0.1';

/** What a request inside a dialog needs to be taken for genuine. */
export interface StolenDialog {
  readonly rtpPort: number;
  /** A request of this dialog, with the right tags and the next CSeq. */
  request(method: string, body?: string, contentType?: string): string;
  /** Key presses in SIP INFO. */
  press(digits: string): void;
}

export class Attacker {
  /** Status → how often it was answered. */
  readonly answers = new Map<number, number>();
  readonly #socket: Socket;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #waiting = new Map<string, (text: string) => void>();
  readonly #kept = new Set<string>();
  #branch = 0;

  private constructor(socket: Socket, target: string) {
    this.#socket = socket;
    const [host = HOST, port] = target.split(':');
    this.#target = { host, port: Number(port) };
    socket.on('message', (bytes) => this.#take(bytes.toString('latin1')));
    socket.on('error', () => undefined);
  }

  /** `target`: host:port of a VRU. */
  static async open(target: string): Promise<Attacker> {
    return new Attacker(await bound(), target);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  send(bytes: Uint8Array): void {
    this.#socket.send(bytes, this.#target.port, this.#target.host);
  }

  /** One connection that sends all of it, and is cut by whoever has enough first. */
  sendTcp(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect(this.#target.port, this.#target.host);
      socket.setTimeout(300, () => socket.destroy());
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.resume();
      socket.write(bytes);
    });
  }

  /** A real call, answered and acknowledged. */
  async call(number: string, sdp: string, user = 'mallory'): Promise<StolenDialog> {
    const callId = `attack-${this.port}-${++this.#branch}`;
    this.#kept.add(callId);
    const from = `<sip:${user}@${HOST}>;tag=m${this.#branch}`;
    const text = (
      method: string,
      to: string,
      cseq: string,
      body: string,
      contentType = 'application/sdp',
    ): string =>
      [
        `${method} sip:${number}@${HOST}:${this.#target.port} SIP/2.0`,
        `Via: SIP/2.0/UDP ${HOST}:${this.port};rport;branch=z9hG4bKa${this.port}x${++this.#branch}`,
        'Max-Forwards: 70',
        `From: ${from}`,
        `To: ${to}`,
        `Call-ID: ${callId}`,
        `CSeq: ${cseq} ${method}`,
        `Contact: <sip:mallory@${HOST}:${this.port}>`,
        ...(body === '' ? [] : [`Content-Type: ${contentType}`]),
        `Content-Length: ${body.length}`,
        '',
        body,
      ].join('\r\n');
    const answered = new Promise<string>((resolve) => this.#waiting.set(callId, resolve));
    this.send(Buffer.from(text('INVITE', `<sip:${number}@${HOST}>`, '1', sdp), 'latin1'));
    const answer = await answered;
    const to = /^To: *(.*)$/im.exec(answer)?.[1] ?? '';
    this.send(Buffer.from(text('ACK', to, '1', ''), 'latin1'));
    let cseq = 1;
    const request: StolenDialog['request'] = (method, body = '', contentType) =>
      text(method, to, String(method === 'ACK' ? cseq : ++cseq), body, contentType);
    return {
      rtpPort: Number(/^m=audio (\d+)/m.exec(answer)?.[1]),
      request,
      press: (digits) => {
        for (const digit of digits) {
          this.send(Buffer.from(request('INFO', digit, 'application/dtmf'), 'latin1'));
        }
      },
    };
  }

  close(): void {
    this.#socket.close();
  }

  #take(text: string): void {
    const status = Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1]);
    if (Number.isNaN(status)) {
      this.#serve(text);
      return;
    }
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
    const callId = /^Call-ID: *(.*)$/im.exec(text)?.[1] ?? '';
    if (status < 200 || status > 299 || !/^CSeq: *\d+ *INVITE/im.test(text)) return;
    const waiting = this.#waiting.get(callId);
    this.#waiting.delete(callId);
    if (waiting !== undefined) {
      waiting(text);
      return;
    }
    const cseq = Number(/^CSeq: *(\d+)/im.exec(text)?.[1]);
    this.#follow(text, 'ACK', cseq);
    if (!this.#kept.has(callId)) this.#follow(text, 'BYE', cseq + 1);
  }

  /** The server hangs up, or asks something: agreed to. */
  #serve(text: string): void {
    if (/^ACK /.test(text)) return;
    const copied = text.match(/^(Via|From|To|Call-ID|CSeq):.*$/gim) ?? [];
    this.send(
      Buffer.from(
        ['SIP/2.0 200 OK', ...copied, 'Content-Length: 0', '', ''].join('\r\n'),
        'latin1',
      ),
    );
  }

  #follow(answer: string, method: string, cseq: number): void {
    const copied = answer.match(/^(From|To|Call-ID):.*$/gim) ?? [];
    const contact = /^Contact: *<(sip:[^>]+)>/im.exec(answer)?.[1] ?? `sip:x@${HOST}`;
    const via = `Via: SIP/2.0/UDP ${HOST}:${this.port};rport;branch=z9hG4bKf${++this.#branch}`;
    const lines = [`${method} ${contact} SIP/2.0`, via, 'Max-Forwards: 70', ...copied];
    lines.push(`CSeq: ${cseq} ${method}`, 'Content-Length: 0', '', '');
    this.send(Buffer.from(lines.join('\r\n'), 'latin1'));
  }
}

/** Sends RTP and RTCP from an address that no signalling named. */
export async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    socket.bind(0, HOST, () => resolve());
  });
  return socket;
}
