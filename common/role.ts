/** A running part of the system, as main.ts starts and stops it. */
export interface Role {
  /** Such as `vru`, `mixer`, `proxy`, `interface`, `provisioning`, `api`. */
  readonly name: string;
  /** Whether it can do its work now; `detail` says what is missing. */
  health(): { readonly ready: boolean; readonly detail?: string };
  /** Calls that still go on; a drain is over when no role has any. Absent: none of its own. */
  activity?(): number;
  /** Takes nothing new; what runs goes on. */
  drain(): void;
  /** Ends what runs in order (BYEs sent), frees everything. Idempotent. */
  stop(): Promise<void>;
}
