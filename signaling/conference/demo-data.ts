import type { MediaError } from '../../common/errors.ts';
import { ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import { addAccount, addDnis } from './accounts.ts';

export const DEMO_ACCOUNTS = [
  { id: 'demo-start', name: 'Demo: starts at once', waitingMode: 'start', codes: '0001' },
  { id: 'demo-hold', name: 'Demo: music until the host comes', waitingMode: 'hold', codes: '0002' },
  {
    id: 'demo-mingle',
    name: 'Demo: talk until the host comes',
    waitingMode: 'mingle',
    codes: '0003',
  },
  {
    id: 'demo-hd',
    name: 'Demo: wideband mixers',
    waitingMode: 'start',
    codes: '0004',
    mixerClass: 'hd',
  },
].map(({ codes, ...account }) => ({
  ...account,
  hostCodes: [`91${codes}`],
  participantCodes: [`11${codes}`],
}));

export const DEMO_DNIS = [
  { dnis: '1000', application: 'conference' },
  { dnis: '2000', application: 'echo' },
  { dnis: '3000', application: 'announcement' },
];

/** Says that the demo data were put in once: what an operator removes afterwards stays removed. */
const MARK = 'seeded/demo';

/** The accounts and numbers of the README, once in the life of a data directory; never over existing ones. */
export async function seedDemoData(store: Store): Promise<Result<void, MediaError>> {
  const mark = await store.get(MARK);
  if (!mark.ok) return mark;
  if (mark.value !== undefined) return ok(undefined);
  for (const account of DEMO_ACCOUNTS) {
    const added = await addAccount(store, account);
    if (!added.ok && added.error.code !== 'conflict') return added;
  }
  for (const row of DEMO_DNIS) {
    const added = await addDnis(store, row);
    if (!added.ok && added.error.code !== 'conflict') return added;
  }
  const marked = await store.put(MARK, { version: 1 });
  return marked.ok ? ok(undefined) : marked;
}
