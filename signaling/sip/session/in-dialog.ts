/** Requests of the peer in a dialog (RFC 3261 sections 12.2.2, 14.2, 15.1.2; RFC 3262, 3311, 6086): each gets its answer here. */
import type { MediaError } from '../../../common/errors.ts';
import { receiveInDialog, refreshTarget } from '../dialog.ts';
import { parseContentType, parseEvent, parseRAck } from '../fields.ts';
import type { ResponseOptions, SipRequest } from '../message.ts';
import { decodeText } from '../text.ts';
import type { ServerTransaction } from '../transaction/transaction-user.ts';
import { descriptionOf } from './body.ts';
import { ACCEPT, INFO_ACCEPT, INFO_TYPES } from './capabilities.ts';
import { endOf } from './ends.ts';
import { offerRefusal } from './exchange.ts';
import { parseInfoDigit } from './info.ts';
import { unsupportedOptions } from './request-checks.ts';
import { answer, rejectionFields, rejectionFor } from './responses.ts';
import { answerRequest } from './session-timer.ts';
import type { DialogUsage } from './usage.ts';

type Field = readonly [name: string, value: string];

export function onRequestInDialog(usage: DialogUsage, transaction: ServerTransaction): void {
  const { request } = transaction;
  const respond = (status: number, options: ResponseOptions = {}): void =>
    respondInDialog(usage, transaction, status, options);
  const dialog = receiveInDialog(usage.dialog, request);
  if (!dialog.ok) {
    respond(500);
    return;
  }
  const lacking = unsupportedOptions(request, usage.context.capabilities);
  if (lacking.length > 0) {
    respond(420, { headers: [['Unsupported', lacking.join(', ')]] });
    return;
  }
  usage.dialog = dialog.value;
  usage.learn(request.headers);
  if (usage.closed && request.method !== 'BYE') {
    respond(481);
    return;
  }
  switch (request.method) {
    case 'INVITE':
      onReinvite(usage, transaction, respond);
      break;
    case 'UPDATE':
      onUpdate(usage, transaction, respond);
      break;
    case 'PRACK':
      onPrack(usage, request, respond);
      break;
    case 'BYE':
      respond(200);
      usage.owner.onPeerBye(endOf(request, usage.owner.answered));
      break;
    case 'INFO':
      onInfo(usage, request, respond);
      break;
    case 'OPTIONS':
      respond(200, { headers: [...usage.dialogFields, ['Accept', ACCEPT]] });
      break;
    case 'SUBSCRIBE':
      onSubscribe(usage, request, respond);
      break;
    case 'NOTIFY':
      // RFC 6665 section 4.1.3: we subscribed to nothing.
      respond(489);
      break;
    default:
      respond(405, { headers: [['Allow', usage.context.capabilities.allow]] });
  }
}

type Respond = (status: number, options?: ResponseOptions) => void;

function respondInDialog(
  usage: DialogUsage,
  transaction: ServerTransaction,
  status: number,
  options: ResponseOptions,
): void {
  const { context, dialog } = usage;
  context.metrics.response(status, 'out');
  transaction.respond(
    answer(transaction.request, status, context.product, { ...options, toTag: dialog.localTag }),
  );
}

/** A random 0 to 10 s (RFC 3261 section 14.2). */
function retryAfter(usage: DialogUsage): Field {
  return ['Retry-After', String(usage.context.random.below(11))];
}

function refuseOffer(usage: DialogUsage, respond: Respond, error: MediaError): void {
  const rejection = rejectionFor(error, 'minusone');
  respond(rejection.status, { headers: rejectionFields(rejection) });
  usage.context.log.info(
    { error: error.message },
    'sip offer refused; the session stays as it was',
  );
}

/** An offer at a wrong time: 491 or 500 (RFC 3261 section 14.2, RFC 3311 section 5.2). True: answered. */
function refusedForGlare(usage: DialogUsage, respond: Respond): boolean {
  const status = offerRefusal(usage.exchange);
  if (status === undefined) return false;
  respond(status, status === 500 ? { headers: [retryAfter(usage)] } : {});
  return true;
}

function onReinvite(usage: DialogUsage, transaction: ServerTransaction, respond: Respond): void {
  const { request } = transaction;
  if (!usage.owner.answered || !usage.mayAnswerInvite) {
    respond(500, { headers: [retryAfter(usage)] });
    return;
  }
  if (usage.modifier.inviteOpen) {
    respond(491);
    return;
  }
  if (refusedForGlare(usage, respond)) return;
  const offer = descriptionOf(request);
  if (!offer.ok) {
    respond(415, { headers: [['Accept', ACCEPT]] });
    return;
  }
  const timer = answerRequest(usage.context.timerPolicy, request);
  if (!timer.ok) {
    respond(422, { headers: [['Min-SE', String(timer.error.minimumS)]] });
    return;
  }
  // Section 14.2: without an offer we make one, of all we can do.
  const body = offer.value === undefined ? usage.makeOffer('full') : usage.takeOffer(offer.value);
  if (!body.ok) {
    refuseOffer(usage, respond, body.error);
    return;
  }
  usage.dialog = refreshTarget(usage.dialog, request);
  const { product } = usage.context;
  const response = answer(request, 200, product, {
    toTag: usage.dialog.localTag,
    headers: [...usage.dialogFields, ...timer.value.fields],
    contentType: 'application/sdp',
    body: body.value,
  });
  const weOffered = offer.value === undefined;
  usage.timer.restart(timer.value.agreed);
  if (!weOffered) usage.tellIfMoved();
  usage.answerInvite(transaction, response, weOffered, (result) => {
    if (!result.ok) {
      const { code, message, q850 } = result.error;
      const by = code === 'timeout' ? 'timeout' : 'media';
      usage.owner.onBroken({ by, reason: message, q850, established: true });
    }
  });
}

function onUpdate(usage: DialogUsage, transaction: ServerTransaction, respond: Respond): void {
  const { request } = transaction;
  const offer = descriptionOf(request);
  if (!offer.ok) {
    respond(415, { headers: [['Accept', ACCEPT]] });
    return;
  }
  if (offer.value !== undefined && refusedForGlare(usage, respond)) return;
  if (offer.value !== undefined && usage.exchange === 'none') {
    // RFC 3311 section 5.2: the offer of the INVITE comes first.
    respond(500, { headers: [retryAfter(usage)] });
    return;
  }
  const timer = answerRequest(usage.context.timerPolicy, request);
  if (!timer.ok) {
    respond(422, { headers: [['Min-SE', String(timer.error.minimumS)]] });
    return;
  }
  const body = offer.value === undefined ? undefined : usage.takeOffer(offer.value);
  if (body !== undefined && !body.ok) {
    refuseOffer(usage, respond, body.error);
    return;
  }
  usage.dialog = refreshTarget(usage.dialog, request);
  usage.timer.restart(timer.value.agreed);
  respond(200, {
    headers: [...usage.dialogFields, ...timer.value.fields],
    ...(body === undefined ? {} : { contentType: 'application/sdp', body: body.value }),
  });
  if (body !== undefined) usage.tellIfMoved();
}

/** RFC 3262 sections 3 and 5. */
function onPrack(usage: DialogUsage, request: SipRequest, respond: Respond): void {
  const rack = parseRAck(request.headers.get('RAck') ?? '');
  if (!rack.ok) {
    respond(400, { reasonPhrase: 'Bad RAck' });
    return;
  }
  const description = descriptionOf(request);
  if (!description.ok) {
    respond(415, { headers: [['Accept', ACCEPT]] });
    return;
  }
  const acknowledged = usage.reliable?.acknowledge(rack.value);
  if (acknowledged === undefined) {
    respond(481);
    return;
  }
  if (acknowledged.description === 'offer') {
    const taken = usage.takeAnswer(description.value);
    respond(200);
    if (!taken.ok) {
      const { message, q850 } = taken.error;
      usage.owner.onBroken({ by: 'media', reason: message, q850, established: false });
      return;
    }
  } else if (description.value === undefined) respond(200);
  else {
    const answered = usage.exchange === 'stable' ? usage.takeOffer(description.value) : undefined;
    if (answered === undefined) respond(491);
    else if (answered.ok) respond(200, { contentType: 'application/sdp', body: answered.value });
    else refuseOffer(usage, respond, answered.error);
  }
  usage.reliable?.proceed();
  usage.owner.onPrack?.();
}

/** RFC 6086 and the older use of INFO for digits. */
function onInfo(usage: DialogUsage, request: SipRequest, respond: Respond): void {
  const { events } = usage.owner;
  if (request.headers.has('Info-Package')) {
    // RFC 6086 section 4.2.2: no package was ever offered in a Recv-Info of ours.
    respond(469, { headers: [['Recv-Info', '']] });
    return;
  }
  if (request.body.length === 0) {
    respond(200);
    return;
  }
  const type = parseContentType(request.headers.get('Content-Type') ?? '');
  const name = type.ok ? type.value.type : '';
  const body = decodeText(request.body);
  if (INFO_TYPES.some((known) => known === name)) {
    const digit = parseInfoDigit(name, body);
    respond(200);
    if (digit !== undefined) events.onInfoDigit?.(digit.digit, digit.durationMs);
    return;
  }
  const status = events.onInfo?.(name, body) ?? 415;
  const accept: readonly Field[] = status === 415 ? [['Accept', INFO_ACCEPT]] : [];
  respond(status >= 200 && status <= 699 ? status : 500, { headers: accept });
}

/** RFC 6665 section 4.5.2: a subscription has a dialog of its own. */
function onSubscribe(usage: DialogUsage, { headers }: SipRequest, respond: Respond): void {
  const { fields } = usage.context.capabilities;
  const offered = fields.find(([name]) => name === 'Allow-Events');
  const event = parseEvent(headers.get('Event') ?? '');
  if (!event.ok) respond(400, { reasonPhrase: 'Bad Event' });
  else if (offered?.[1].split(', ').includes(event.value.name) === true) {
    respond(403, { reasonPhrase: 'Subscribe outside of this dialog' });
  } else respond(489, offered === undefined ? {} : { headers: [offered] });
}
