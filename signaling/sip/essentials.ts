/** The fields that each message must have and by which it is matched (RFC 3261 section 8.1.1), parsed once. */
import { fail, ok, type Result } from '../../common/result.ts';
import { type CSeq, parseCSeq } from './fields.ts';
import type { Headers } from './headers.ts';
import { type ParseProblem, problem } from './problem.ts';
import { type AddressParts, isUriLike, scanAddress } from './uri.ts';
import { parseVia, type Via } from './via.ts';

export interface Essentials {
  readonly topVia: Via;
  readonly cseq: CSeq;
  readonly callId: string;
  readonly from: AddressParts;
  readonly to: AddressParts;
}

/** Values never change, so what was parsed of one Headers stays true for it. */
const PARSED = new WeakMap<Headers, Result<Essentials, ParseProblem>>();

export function essentialsOf(headers: Headers): Result<Essentials, ParseProblem> {
  const known = PARSED.get(headers);
  if (known !== undefined) return known;
  const parsed = parseEssentials(headers);
  PARSED.set(headers, parsed);
  return parsed;
}

function parseEssentials(headers: Headers): Result<Essentials, ParseProblem> {
  const via = headers.list('via')[0];
  if (via === undefined) return missing('Via');
  const topVia = parseVia(via);
  if (!topVia.ok) return topVia;
  const cseq = single(headers, 'CSeq');
  if (!cseq.ok) return cseq;
  const cseqValue = parseCSeq(cseq.value);
  if (!cseqValue.ok) return cseqValue;
  const callId = single(headers, 'Call-ID');
  if (!callId.ok) return callId;
  if (callId.value === '' || callId.value.includes(' ') || callId.value.includes('\t')) {
    return fail(problem('header-syntax', 'bad Call-ID'));
  }
  const from = address(headers, 'From');
  if (!from.ok) return from;
  const to = address(headers, 'To');
  if (!to.ok) return to;
  return ok({
    topVia: topVia.value,
    cseq: cseqValue.value,
    callId: callId.value,
    from: from.value,
    to: to.value,
  });
}

function address(headers: Headers, name: string): Result<AddressParts, ParseProblem> {
  const value = single(headers, name);
  if (!value.ok) return value;
  const parts = scanAddress(value.value);
  if (!parts.ok) return fail({ ...parts.error, detail: `${name}: ${parts.error.detail}` });
  if (!isUriLike(parts.value.uriText)) return fail(problem('address', `${name}: bad URI`));
  return parts;
}

/** The value of a field that must be there exactly once. */
function single(headers: Headers, name: string): Result<string, ParseProblem> {
  const values = headers.all(name);
  const [first] = values;
  if (first === undefined) return missing(name);
  if (values.length > 1) return fail(problem('duplicate-header', `${name} more than once`));
  return ok(first);
}

function missing(name: string): Result<never, ParseProblem> {
  return fail(problem('missing-header', `no ${name}`));
}
