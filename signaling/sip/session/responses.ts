/** Responses of the user agent with the headers that the RFCs want in them. Pure. */
import { ERROR_TABLE, type MediaError } from '../../../common/errors.ts';
import { formatReason, formatWarning } from '../fields.ts';
import { type ResponseOptions, responseTo, type SipRequest, type SipResponse } from '../message.ts';
import { formatNameAddress, parseNameAddress } from '../uri.ts';
import type { AcceptOptions, RejectOptions } from '../user-agent.ts';
import type { Capabilities } from './capabilities.ts';

type Field = readonly [name: string, value: string];

/** What every response of ours says. */
export function answer(
  request: SipRequest,
  status: number,
  product: string,
  options: ResponseOptions & { readonly toTag: string },
): SipResponse {
  return responseTo(request, status, {
    ...options,
    headers: [...fieldsOf(options.headers), ['Server', product]],
  });
}

function fieldsOf(headers: ResponseOptions['headers']): readonly Field[] {
  const fields: Field[] = [];
  for (const field of headers ?? []) {
    fields.push('name' in field ? [field.name, field.value] : field);
  }
  return fields;
}

/** In what makes or refreshes a dialog (RFC 3261 table 2; Allow for UPDATE: RFC 3311 section 5.1). */
export const dialogFields = (
  contact: string,
  capabilities: Pick<Capabilities, 'fields'>,
): readonly Field[] => [['Contact', contact], ...capabilities.fields];

/** Our Contact with what the user of a session wants it to say (RFC 4579 section 5.1: `isfocus`). */
export function markedContact(contact: string, marks: AcceptOptions['contact']): string {
  const parsed = parseNameAddress(contact);
  if (marks === undefined || !parsed.ok) return contact;
  const { uri, parameters } = parsed.value;
  return formatNameAddress({
    ...parsed.value,
    uri: { ...uri, user: marks.user ?? uri.user },
    parameters: new Map([
      ...parameters,
      ...(marks.parameters ?? []).map((name) => [name, ''] as const),
    ]),
  });
}

/** RFC 3261 section 20.43: why a description is refused with 488. */
export function warningFor(error: MediaError, host: string): Field {
  const code = error.code === 'no-common-codec' ? 305 : error.code === 'no-description' ? 304 : 399;
  return ['Warning', formatWarning({ code, agent: host, text: error.message })];
}

/** RFC 3326: so that the refusing or ending rule can be found again. */
export function reasonField(q850: number, text: string | undefined): Field {
  return ['Reason', formatReason({ protocol: 'Q.850', cause: q850, text })];
}

export function rejectionFields(options: RejectOptions): readonly Field[] {
  return [
    ...(options.retryAfterS === undefined
      ? []
      : [['Retry-After', String(Math.max(0, Math.ceil(options.retryAfterS)))] as const]),
    ...(options.q850 === undefined ? [] : [reasonField(options.q850, options.text)]),
    ...(options.headers ?? []),
  ];
}

/** Status, Reason and Warning for a description or a media engine that failed. */
export function rejectionFor(
  error: MediaError,
  host: string,
): { readonly status: number } & RejectOptions {
  const { sipStatus, q850 } = ERROR_TABLE[error.code];
  return {
    status: sipStatus,
    q850,
    text: error.message,
    ...(sipStatus === 488 ? { headers: [warningFor(error, host)] } : {}),
    ...(sipStatus === 503 ? { retryAfterS: 5 } : {}),
  };
}
