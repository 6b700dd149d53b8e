/** SIP URIs and name-addr values (RFC 3261 sections 19.1 and 20.10). */

export interface SipUri {
  readonly scheme: 'sip' | 'sips' | 'tel';
  /** Unescaped; for `tel`, the number. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** IPv6 with its brackets. Empty for `tel`. */
  readonly host: string;
  readonly port: number | undefined;
  /** Lower-case names; a parameter without value maps to ''. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly headers: ReadonlyMap<string, string>;
}

export interface NameAddress {
  readonly displayName: string | undefined;
  readonly uri: SipUri;
  /** Header parameters such as `tag`; lower-case names. */
  readonly parameters: ReadonlyMap<string, string>;
}
