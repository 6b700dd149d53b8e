/** Where requests of a dialog go: its next hop, and the flow that it came over when that does not work. */
import type { Dialog } from '../dialog.ts';
import type { Flow, Target } from '../transaction/transaction-user.ts';
import type { SessionContext } from './context.ts';

export function targetsInDialog(
  context: Pick<SessionContext, 'locate'>,
  hop: string,
  dialog: Pick<Dialog, 'routeSet'>,
  flow: Flow,
  use: (targets: readonly Target[]) => void,
): void {
  context.locate(hop, (located) => {
    const back: Target = {
      transport: flow.transport,
      remoteAddress: flow.remoteAddress,
      remotePort: flow.remotePort,
    };
    const first = located[0];
    // A phone behind a NAT writes an address into its Contact that leads nowhere; where its messages
    // come from does lead to it (the intent of RFC 5626, for phones that do not know it).
    const behindNat =
      first !== undefined &&
      dialog.routeSet.length === 0 &&
      isPrivate(first.remoteAddress) &&
      !isPrivate(flow.remoteAddress);
    if (first === undefined || behindNat) use([back]);
    // A connection that is there beats none; a datagram to a second place would only be a guess.
    else if (flow.transport === 'udp' || sameTarget(first, back)) use(located);
    else use([...located, back]);
  });
}

const sameTarget = (a: Target, b: Target): boolean =>
  a.transport === b.transport &&
  a.remoteAddress === b.remoteAddress &&
  a.remotePort === b.remotePort;

/** RFC 1918, RFC 6598 and loopback. */
export function isPrivate(address: string): boolean {
  return /^(10\.|127\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1$|f[cd])/i.test(
    address,
  );
}
