/** Calling out as it is asked for and reported (R26): the part of the conference client that is about calls we make. */
import { MediaError } from '../../common/errors.ts';
import type { CallId, ConfereeId, ConferenceId } from '../../common/ids.ts';
import { fail, ok, type Result } from '../../common/result.ts';
import type { Holder } from './dial-ledger.ts';
import { DIAL_ENDS, type DialOrder } from './dial-messages.ts';
import type { ServiceReply, ServiceRequest } from './messages.ts';
import {
  ANSWER_MS,
  ask,
  askedBy,
  DEPARTURE_MS,
  newRequestId,
  type Outside,
  type ServiceClientOptions,
} from './service-request.ts';

/** What became of the wish to call somebody. */
export type DialReply = Extract<ServiceReply, { kind: 'dialling' | 'dial-refused' }>;
export type DialListReply = Extract<ServiceReply, { kind: 'dialling-list' | 'dial-refused' }>;
/** A call that the VRU makes, as it reports it. */
export type DialNews = Extract<ServiceRequest, { kind: 'dial-progress' }>['state'];

export interface DialWish {
  readonly number: string;
  readonly name?: string | undefined;
  /** Only who presses 1 gets in. Default true. */
  readonly confirm?: boolean | undefined;
}

/** For hosts and operators. */
export interface DialClient {
  /** Calls somebody for a conference (R26); `requestId` of a retry, so that nobody is called twice. */
  dial(
    id: ConferenceId,
    by: ConfereeId | Outside | undefined,
    wish: DialWish,
    requestId?: string,
  ): Promise<Result<DialReply, MediaError>>;
  /** Calls the list of the account. */
  dialList(
    id: ConferenceId,
    by: ConfereeId | Outside | undefined,
    requestId?: string,
  ): Promise<Result<DialListReply, MediaError>>;
  cancelDial(
    id: ConferenceId,
    by: ConfereeId | Outside | undefined,
    dialId: CallId,
  ): Promise<Result<void, MediaError>>;
}

/** For the VRU that calls. */
export interface DialReports {
  /** The host's VRU may call this number by itself, and the host talks first. */
  dialConsult(
    place: { readonly conferenceId: ConferenceId; readonly confereeId: ConfereeId },
    number: string,
  ): Promise<Result<DialReply, MediaError>>;
  /** How a call goes. False: nobody wants it any more. An end is told until it is known. */
  dialProgress(order: DialOrder, state: DialNews): Promise<boolean>;
  /** A minute of an answered call begins. False: it may not. Without an answer it may. */
  dialMinute(order: DialOrder, minute: number): Promise<boolean>;
}

type Asked = Result<ServiceReply, MediaError>;

const unexpected = ({ kind }: ServiceReply): Result<never, MediaError> =>
  fail(new MediaError('rejected', `refused: ${kind}`));

function asDialReply(answer: Asked): Result<DialReply, MediaError> {
  if (!answer.ok) return answer;
  const { value } = answer;
  if (value.kind === 'dialling' || value.kind === 'dial-refused') return ok(value);
  return unexpected(value);
}

export function dialClient(options: ServiceClientOptions): DialClient {
  const { random } = options;
  return {
    dial: async (conferenceId, by, { number, name, confirm }, requestId) =>
      asDialReply(
        await ask(options, ANSWER_MS, {
          service: 'conference',
          kind: 'dial',
          ...askedBy(by, random, requestId),
          conferenceId,
          number,
          ...(name === undefined ? {} : { name }),
          ...(confirm === undefined ? {} : { confirm }),
        }),
      ),
    dialList: async (conferenceId, by, requestId) => {
      const answer = await ask(options, ANSWER_MS, {
        service: 'conference',
        kind: 'dial-list',
        ...askedBy(by, random, requestId),
        conferenceId,
      });
      if (!answer.ok) return answer;
      const { value } = answer;
      if (value.kind === 'dialling-list' || value.kind === 'dial-refused') return ok(value);
      return unexpected(value);
    },
    cancelDial: async (conferenceId, by, dialId) => {
      const answer = await ask(options, ANSWER_MS, {
        service: 'conference',
        kind: 'cancel-dial',
        ...askedBy(by, random),
        conferenceId,
        dialId,
      });
      if (!answer.ok) return answer;
      return answer.value.kind === 'done' ? ok(undefined) : unexpected(answer.value);
    },
  };
}

const ENDS: ReadonlySet<string> = new Set(DIAL_ENDS);

export function dialReports(options: ServiceClientOptions, vru: Holder): DialReports {
  const { random } = options;
  const request = ({ conferenceId, dialId, accountId }: DialOrder) =>
    ({
      service: 'conference',
      requestId: newRequestId(random),
      ...{ conferenceId, dialId, accountId },
    }) as const;
  return {
    dialConsult: async ({ conferenceId, confereeId }, number) =>
      asDialReply(
        await ask(options, ANSWER_MS, {
          service: 'conference',
          kind: 'dial',
          requestId: newRequestId(random),
          conferenceId,
          by: confereeId,
          number,
          vru,
        }),
      ),
    dialProgress: async (order, state) => {
      const answer = await ask(options, ENDS.has(state) ? DEPARTURE_MS : ANSWER_MS, {
        ...request(order),
        kind: 'dial-progress',
        trunk: order.trunk,
        state,
      });
      // Whom nobody hears of is let ring: the limits of the call hold all the same.
      return !answer.ok || answer.value.kind === 'done';
    },
    dialMinute: async (order, minute) => {
      const answer = await ask(options, ANSWER_MS, {
        ...request(order),
        kind: 'dial-minute',
        minute,
      });
      return !answer.ok || answer.value.kind === 'done';
    },
  };
}
