/** What we can do, as the headers that say so, and what we ask of a request before it is looked at. */
export const ALLOWED_METHODS = [
  'INVITE',
  'ACK',
  'CANCEL',
  'BYE',
  'OPTIONS',
  'INFO',
  'UPDATE',
  'PRACK',
] as const;

/** Option tags (RFC 3261 section 20.37): PRACK (RFC 3262) and session timers (RFC 4028). */
export const SUPPORTED_OPTIONS = ['100rel', 'timer'] as const;

/** For session descriptions; INFO takes the digit formats too. */
export const ACCEPTED_TYPES = ['application/sdp', 'multipart/mixed'] as const;
export const INFO_TYPES = ['application/dtmf-relay', 'application/dtmf'] as const;

export const ALLOW = ALLOWED_METHODS.join(', ');
export const SUPPORTED = SUPPORTED_OPTIONS.join(', ');
export const ACCEPT = ACCEPTED_TYPES.join(', ');
export const INFO_ACCEPT = INFO_TYPES.join(', ');
