/**
 * Dialog state (RFC 3261 section 12) as a readonly value, and the pure functions that make and change
 * it. A dialog knows tags, sequence numbers, targets and routes; it must never know sessions, media or
 * sockets. Start with dialogAsServer and dialogAsClient.
 */
import { fail, ok, type Result } from '../../common/result.ts';
import { parseCSeq, tagOf } from './fields.ts';
import { createHeaders, type HeaderField } from './headers.ts';
import { bodyOf, type SipRequest, type SipResponse, withTag } from './message.ts';
import { type ParseProblem, problem } from './problem.ts';
import { parseSipUri, scanAddress } from './uri.ts';

export interface Dialog {
  readonly callId: string;
  readonly localTag: string;
  /** '' for a peer of RFC 2543 without tags (section 12.1.1). */
  readonly remoteTag: string;
  /** From of our requests, To of theirs: the whole value, tag included. */
  readonly local: string;
  readonly remote: string;
  readonly localCSeq: number;
  readonly remoteCSeq: number | undefined;
  /** Route values in the order in which we send them. */
  readonly routeSet: readonly string[];
  /** Contact URI of the peer. */
  readonly remoteTarget: string;
  readonly confirmed: boolean;
}

/** A recorded route of more hops is a loop or an attack. */
const MAX_ROUTES = 30;

/** Section 12.1.1: from the INVITE of the peer and the tag that our responses carry. */
export function dialogAsServer(
  request: SipRequest,
  localTag: string,
): Result<Dialog, ParseProblem> {
  const target = targetOf(request);
  if (!target.ok) return target;
  const cseq = parseCSeq(request.headers.get('CSeq') ?? '');
  if (!cseq.ok) return cseq;
  const routeSet = request.headers.list('Record-Route');
  if (routeSet.length > MAX_ROUTES) return fail(problem('header-syntax', 'too many Record-Routes'));
  const remote = request.headers.get('From') ?? '';
  return ok({
    callId: request.headers.get('Call-ID') ?? '',
    localTag,
    remoteTag: tagOf(remote) ?? '',
    local: withTag(request.headers.get('To') ?? '', localTag),
    remote,
    localCSeq: 0,
    remoteCSeq: cseq.value.number,
    routeSet,
    remoteTarget: target.value,
    confirmed: false,
  });
}

/** Section 12.1.2: from our INVITE and a response with a tag to it. */
export function dialogAsClient(
  request: SipRequest,
  response: SipResponse,
): Result<Dialog, ParseProblem> {
  const remote = response.headers.get('To') ?? '';
  // A 1xx without Contact is common, a 2xx is wrong but must be acknowledged: the INVITE's URI serves.
  const target = targetOf(response);
  const cseq = parseCSeq(request.headers.get('CSeq') ?? '');
  if (!cseq.ok) return cseq;
  const routeSet = recordedRoute(response);
  if (routeSet.length > MAX_ROUTES) return fail(problem('header-syntax', 'too many Record-Routes'));
  const local = request.headers.get('From') ?? '';
  return ok({
    callId: request.headers.get('Call-ID') ?? '',
    localTag: tagOf(local) ?? '',
    remoteTag: tagOf(remote) ?? '',
    local,
    remote,
    localCSeq: cseq.value.number,
    remoteCSeq: undefined,
    routeSet,
    remoteTarget: target.ok ? target.value : request.uri,
    confirmed: response.status >= 200,
  });
}

const recordedRoute = (response: SipResponse): readonly string[] =>
  response.headers.list('Record-Route').toReversed();

/** Section 13.2.2.4: the 2xx confirms an early dialog and its route set is the one that counts. */
export function confirmDialog(dialog: Dialog, response: SipResponse): Dialog {
  const target = targetOf(response);
  return {
    ...dialog,
    routeSet: recordedRoute(response).slice(0, MAX_ROUTES),
    remoteTarget: target.ok ? target.value : dialog.remoteTarget,
    confirmed: true,
  };
}

/** Section 12.2.1.2 and 12.2.2: INVITE, UPDATE and their 2xx move the remote target. */
export function refreshTarget(dialog: Dialog, message: SipRequest | SipResponse): Dialog {
  const target = targetOf(message);
  return target.ok ? { ...dialog, remoteTarget: target.value } : dialog;
}

/** The URI of the one Contact; it must be one that we can send to. */
function targetOf(message: SipRequest | SipResponse): Result<string, ParseProblem> {
  const contact = message.headers.list('Contact')[0];
  if (contact === undefined) return fail(problem('missing-header', 'no Contact'));
  const parts = scanAddress(contact);
  if (!parts.ok) return parts;
  const uri = parseSipUri(parts.value.uriText);
  if (!uri.ok) return uri;
  if (uri.value.scheme === 'tel') return fail(problem('uri', 'Contact is no SIP URI'));
  return ok(parts.value.uriText);
}

/**
 * Section 12.2.2: numbers only grow. An older one is answered 500; ACK and CANCEL carry the number of
 * their INVITE and do not come here.
 */
export function receiveInDialog(
  dialog: Dialog,
  request: SipRequest,
): Result<Dialog, 'out-of-order'> {
  const cseq = parseCSeq(request.headers.get('CSeq') ?? '');
  const number = cseq.ok ? cseq.value.number : -1;
  if (dialog.remoteCSeq !== undefined && number < dialog.remoteCSeq) return fail('out-of-order');
  return ok({ ...dialog, remoteCSeq: number });
}

export interface InDialogContent {
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
  readonly contentType?: string;
}

/** The next request of ours in the dialog, without Via (section 12.2.1.1). */
export function requestInDialog(
  dialog: Dialog,
  method: string,
  content: InDialogContent = {},
): { readonly dialog: Dialog; readonly request: SipRequest } {
  const localCSeq = dialog.localCSeq + 1;
  const next = { ...dialog, localCSeq };
  return { dialog: next, request: buildRequest(next, method, localCSeq, content) };
}

/** The ACK for a 2xx: the number of its INVITE, the routes of the dialog (section 13.2.2.4). */
export function ackInDialog(
  dialog: Dialog,
  inviteCSeq: number,
  content: InDialogContent = {},
): SipRequest {
  return buildRequest(dialog, 'ACK', inviteCSeq, content);
}

function buildRequest(
  dialog: Dialog,
  method: string,
  cseq: number,
  content: InDialogContent,
): SipRequest {
  const { uri, routes } = route(dialog);
  const fields: (HeaderField | readonly [string, string])[] = [
    ['Max-Forwards', '70'],
    ...routes.map((value) => ['Route', value] as const),
    ['From', dialog.local],
    ['To', dialog.remote],
    ['Call-ID', dialog.callId],
    ['CSeq', `${cseq} ${method}`],
    ...(content.headers ?? []),
    ...(content.contentType === undefined ? [] : [['Content-Type', content.contentType] as const]),
  ];
  return {
    kind: 'request',
    method,
    uri,
    headers: createHeaders(fields),
    body: bodyOf(content.body),
  };
}

/** Section 12.2.1.1: a first hop without `lr` is a strict router and wants to be the Request-URI. */
function route(dialog: Dialog): { readonly uri: string; readonly routes: readonly string[] } {
  const first = dialog.routeSet[0];
  if (first === undefined || isLoose(first)) {
    return { uri: dialog.remoteTarget, routes: dialog.routeSet };
  }
  return {
    uri: uriText(first),
    routes: [...dialog.routeSet.slice(1), `<${dialog.remoteTarget}>`],
  };
}

/** Where requests of the dialog go first: URI text to be resolved (RFC 3261 section 8.1.2). */
export function nextHop(dialog: Dialog): string {
  const first = dialog.routeSet[0];
  return first === undefined ? dialog.remoteTarget : uriText(first);
}

function uriText(value: string): string {
  const parts = scanAddress(value);
  return parts.ok ? parts.value.uriText : value;
}

function isLoose(value: string): boolean {
  const uri = parseSipUri(uriText(value));
  return uri.ok && uri.value.parameters.has('lr');
}
