/** The backend of the API on Bus and Store: reads records, asks roles. It decides nothing itself. */

import type { z } from 'zod';
import type { Bus } from '../../common/bus/bus.ts';
import type { Clock } from '../../common/clock.ts';
import { MediaError } from '../../common/errors.ts';
import type { NamedRole } from '../../common/lifecycle.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Entry, Store } from '../../common/store/store.ts';
import type { ServiceClient } from '../conference/client.ts';
import { ConferenceLog } from '../conference/conference-log.ts';
import { mediaReply } from '../conference/leg-media.ts';
import { mixerRecord, SUBJECTS } from '../conference/messages.ts';
import {
  type ConferenceRecord,
  conferenceRecord,
  KEYS,
  PREFIXES,
  vruRecord,
} from '../conference/records.ts';
import { type Conferee, isMuted } from '../conference/roster.ts';
import type { Backend, ConferenceBackend, NodeBackend, ProvisioningBackend } from './backend.ts';
import { drainNode } from './node-control.ts';
import { type ConferenceSummary, type ConferenceView, mixerView, vruView } from './schemas.ts';

export interface StoreBackendOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly bus: Bus;
  readonly control: ServiceClient;
  readonly provisioning: ProvisioningBackend;
  /** Of this process, for /readyz. */
  readonly roles: () => readonly NamedRole[];
}

export function createStoreBackend(options: StoreBackendOptions): Backend {
  return {
    provisioning: options.provisioning,
    conferences: conferences(options),
    nodes: nodes(options),
  };
}

/** A mixer answers at once. */
const DEADLINE_MS = 1_000;

function conferences({ store, clock, bus, control }: StoreBackendOptions): ConferenceBackend {
  return {
    async list() {
      return mapOk(await store.list(PREFIXES.conference), (entries) =>
        valid(entries, conferenceRecord).map(summary),
      );
    },
    async get(id) {
      const entry = await store.get(KEYS.conference(id));
      if (!entry.ok) return entry;
      const [record] = valid(entry.value === undefined ? [] : [entry.value], conferenceRecord);
      if (record === undefined) return ok(undefined);
      // Who is in it is in the event log alone.
      const log = new ConferenceLog(id, { store, clock, onAppended() {}, onRaceLost() {} });
      return mapOk(await log.load(), () => ({
        ...summary(record),
        conferees: [...log.roster.conferees.values()].map(conferee),
      }));
    },
    control: (id, by, action) => control.control(id, by, action),
    dial: (id, by, wish) => control.dial(id, by, wish),
    dialList: (id, by) => control.dialList(id, by),
    cancelDial: (id, by, dialId) => control.cancelDial(id, by, dialId),
    async measured(mixerId, conferenceId, confereeId) {
      const request = { kind: 'media', requestId: 'read-media', conferenceId, confereeId };
      const subject = SUBJECTS.mixer(mixerId);
      const answer = await bus.request(subject, request, { deadlineMs: DEADLINE_MS });
      if (!answer.ok) return answer;
      const reply = mediaReply.safeParse(answer.value);
      return reply.success
        ? ok(reply.data.media)
        : fail(
            new MediaError('internal', `${mixerId} answers in another way: ${reply.error.message}`),
          );
    },
  };
}

function conferee(member: Conferee): ConferenceView['conferees'][number] {
  const { callerNumber, callerName, vruId } = member.caller;
  return {
    ordinal: member.ordinal,
    role: member.role,
    callerNumber,
    ...(callerName === undefined ? {} : { callerName }),
    muted: isMuted(member),
    vruId,
    joinedAt: new Date(member.joinedAtMs).toISOString(),
  };
}

function summary(record: ConferenceRecord): ConferenceSummary {
  return {
    id: record.conferenceId,
    accountId: record.accountId,
    mixerId: record.mixerId,
    mixerClass: record.mixerClass,
    locked: record.locked,
    temporary: record.temporary,
    size: record.size,
    createdAt: new Date(record.createdAtMs).toISOString(),
  };
}

function nodes({ store, bus, roles }: StoreBackendOptions): NodeBackend {
  return {
    mixers: async () =>
      mapOk(await store.list(PREFIXES.mixer), (entries) =>
        valid(entries, mixerRecord).map((record) => mixerView.parse(record)),
      ),
    drainMixer: async (id) => drainNode(bus, id),
    vrus: async () =>
      mapOk(await store.list(PREFIXES.vru), (entries) =>
        valid(entries, vruRecord).map((record) => vruView.parse(record)),
      ),
    trunks: async () =>
      mapOk(await store.list(PREFIXES.vru), (entries) =>
        valid(entries, vruRecord).flatMap(({ id, trunks }) =>
          trunks.map((trunk) => ({ vruId: id, ...trunk })),
        ),
      ),
    roles: () => roles().map(({ id, role }) => ({ id, ...role.health() })),
  };
}

/** Documents that fit their schema; others are of another version and not shown. */
function valid<T>(entries: readonly Entry[], schema: z.ZodType<T>): readonly T[] {
  return entries.flatMap(({ value }) => {
    const checked = schema.safeParse(value);
    return checked.success ? [checked.data] : [];
  });
}

function mapOk<T, U>(result: Result<T, MediaError>, map: (value: T) => U): Result<U, MediaError> {
  return result.ok ? ok(map(result.value)) : result;
}
