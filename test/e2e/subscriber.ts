/** A subscriber that is a UDP socket and text: no part of our stack, its digest included. */
import { createHash } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { systemClock as clock } from '../../common/clock.ts';

const HOST = '127.0.0.1';

export interface Told {
  /** Subscription-State. */
  readonly state: string;
  readonly body: string;
  readonly contact: string;
}

export interface Asked {
  readonly uri: string;
  readonly user?: string;
  readonly password?: string;
  readonly headers?: readonly string[];
  readonly expiresS?: number;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const field = (text: string, name: string): string =>
  new RegExp(`^${name}: *(.*)$`, 'im').exec(text)?.[1]?.trim() ?? '';

export class Subscriber {
  readonly told: Told[] = [];
  /** What NOTIFYs are answered with; 0: nothing. */
  answersWith = 200;
  readonly #socket: Socket;
  readonly #port: number;
  readonly #waiting = new Map<string, (text: string) => void>();
  #dialog: { readonly callId: string; to: string } | undefined;
  #cseq = 0;
  #count = 0;

  private constructor(socket: Socket, target: string) {
    this.#socket = socket;
    this.#port = Number(target.split(':')[1]);
    socket.on('message', (bytes) => this.#take(bytes.toString('utf8')));
  }

  static open(target: string): Promise<Subscriber> {
    const socket = createSocket('udp4');
    return new Promise((resolve) => {
      socket.bind(0, HOST, () => resolve(new Subscriber(socket, target)));
    });
  }

  /** Outside of a dialog; the challenge is answered. */
  async subscribe(asked: Asked): Promise<Answer> {
    this.#dialog = { callId: `s${this.#socket.address().port}-${++this.#count}`, to: '' };
    return this.#ask(asked);
  }

  /** In the dialog of the last one. */
  refresh(asked: Asked): Promise<Answer> {
    return this.#ask(asked);
  }

  async #ask(asked: Asked): Promise<Answer> {
    const first = await this.#send(asked, []);
    if (first.status !== 401) return first;
    const challenge =
      /^WWW-Authenticate: *Digest (.*algorithm=MD5.*)$/im.exec(first.text)?.[1] ?? '';
    const value = (name: string): string =>
      new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? '';
    const { user = 'desk', password = 'secret', uri } = asked;
    const [realm, nonce, count, own] = [value('realm'), value('nonce'), '00000001', 'c0ffee'];
    const a1 = md5(`${user}:${realm}:${password}`);
    const response = md5(`${a1}:${nonce}:${count}:${own}:auth:${md5(`SUBSCRIBE:${uri}`)}`);
    return this.#send(asked, [
      `Authorization: Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5, qop=auth, nc=${count}, cnonce="${own}"`,
    ]);
  }

  #send(asked: Asked, more: readonly string[]): Promise<Answer> {
    const { callId, to } = this.#dialog ?? { callId: '', to: '' };
    const cseq = ++this.#cseq;
    const port = this.#socket.address().port;
    const text = [
      `SUBSCRIBE ${asked.uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${HOST}:${port};rport;branch=z9hG4bKs${port}x${cseq}`,
      'Max-Forwards: 70',
      `From: <sip:desk@${HOST}>;tag=d${callId}`,
      `To: ${to === '' ? `<${asked.uri}>` : to}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} SUBSCRIBE`,
      `Contact: <sip:desk@${HOST}:${port}>`,
      'Event: conference',
      'Accept: application/conference-info+xml',
      `Expires: ${asked.expiresS ?? 600}`,
      ...(asked.headers ?? []),
      ...more,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n');
    return new Promise((resolve, reject) => {
      const late = clock.after(10_000, () => reject(new Error('no answer to SUBSCRIBE')));
      this.#waiting.set(`${callId} ${cseq}`, (answer) => {
        late.cancel();
        const status = Number(/^SIP\/2\.0 (\d+)/.exec(answer)?.[1]);
        if (status === 200 && this.#dialog !== undefined) this.#dialog.to = field(answer, 'To');
        resolve({ status, text: answer });
      });
      this.#socket.send(text, this.#port, HOST);
    });
  }

  /** The next NOTIFY that this is true of; those before it are passed over. */
  async next(is: (told: Told) => boolean, limitMs = 20_000): Promise<Told> {
    for (let waited = 0; waited < limitMs; waited += 20) {
      const at = this.told.findIndex(is);
      const found = this.told[at];
      if (found !== undefined) {
        this.told.splice(0, at + 1);
        return found;
      }
      await clock.sleep(20);
    }
    throw new Error(`what was waited for was not told; told was ${JSON.stringify(this.told)}`);
  }

  close(): void {
    this.#socket.close();
  }

  #take(text: string): void {
    if (text.startsWith('SIP/2.0')) {
      const key = `${field(text, 'Call-ID')} ${Number.parseInt(field(text, 'CSeq'), 10)}`;
      const waiting = this.#waiting.get(key);
      this.#waiting.delete(key);
      waiting?.(text);
      return;
    }
    if (!text.startsWith('NOTIFY') || this.answersWith === 0) return;
    const copied = text.match(/^(Via|From|To|Call-ID|CSeq):.*$/gim) ?? [];
    const answer = [`SIP/2.0 ${this.answersWith} Answer`, ...copied, 'Content-Length: 0', '', ''];
    this.#socket.send(answer.join('\r\n'), this.#port, HOST);
    this.told.push({
      state: field(text, 'Subscription-State'),
      body: text.slice(text.indexOf('\r\n\r\n') + 4),
      contact: field(text, 'Contact'),
    });
  }
}
