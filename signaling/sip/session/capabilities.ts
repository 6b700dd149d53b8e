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

export const ACCEPT = ACCEPTED_TYPES.join(', ');
export const INFO_ACCEPT = INFO_TYPES.join(', ');

/** Of one agent: what it can do depends on whether it notifies of events (RFC 6665). */
export interface Capabilities {
  readonly methods: readonly string[];
  readonly options: readonly string[];
  /** Value of Allow. */
  readonly allow: string;
  /** Value of Supported. */
  readonly supported: string;
  /** Allow, Supported and, where there are events, Allow-Events: in what makes or moves a dialog. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** `events`: names of the packages that may be subscribed to. */
export function capabilitiesOf(events: readonly string[] = []): Capabilities {
  const notifies = events.length > 0;
  const methods = notifies ? [...ALLOWED_METHODS, 'SUBSCRIBE'] : ALLOWED_METHODS;
  // Target-Dialog (RFC 4538) tells which call a SUBSCRIBE goes with.
  const options = notifies ? [...SUPPORTED_OPTIONS, 'tdialog'] : SUPPORTED_OPTIONS;
  const allow = methods.join(', ');
  const supported = options.join(', ');
  return {
    methods,
    options,
    allow,
    supported,
    fields: [
      ['Allow', allow],
      ['Supported', supported],
      ...(notifies ? [['Allow-Events', events.join(', ')] as const] : []),
    ],
  };
}
