/**
 * What the event layer (RFC 6665) knows of that which is subscribed to: packages open sources, a source
 * gives one document after the other. The layer must never know what stands in a document.
 */
import type { CallId } from '../../../common/ids.ts';
import type { SipUri } from '../uri.ts';
import type { AcceptOptions } from '../user-agent.ts';

/** Who subscribes, as was proven: by a digest answer, or by the tags of a dialog with us (RFC 4538). */
export type Subscriber =
  | { readonly kind: 'user'; readonly name: string }
  | { readonly kind: 'call'; readonly callId: CallId };

export interface Wanted {
  /** The Request-URI. */
  readonly uri: SipUri;
  readonly subscriber: Subscriber;
  /** Host and port of our Contact towards the subscriber. */
  readonly ownHost: string;
}

/**
 * `gone`: what was subscribed to ended; `rejected`: this subscriber may not see it any longer; `moved`:
 * it goes on as another resource, to be subscribed to anew.
 */
export type SourceEnd = 'gone' | 'rejected' | 'moved';

export interface SourceEvents {
  /** The next document may differ from the last one. */
  readonly onNews: () => void;
  /** Once, last. */
  readonly onEnd: (why: SourceEnd) => void;
}

export interface Document {
  readonly body: string;
  /** It does not hold all that is new: the next one should follow as soon as this one is taken. */
  readonly more: boolean;
}

/** `full`: everything; `partial`: what changed since the last document; `last`: everything, and no other follows. */
export type Extent = 'full' | 'partial' | 'last';

/** The state of one resource as one subscription sees it. */
export interface EventSource {
  /** In our Contact within the subscription's dialog. */
  readonly contact: AcceptOptions['contact'];
  /** From now on; what changed before is in the next document. Calls back at once if it ended already. */
  watch(events: SourceEvents): void;
  /** Undefined: nothing changed, or nothing may be said. */
  document(extent: Extent): Document | undefined;
  /** Says that the resource is gone. */
  farewell(): string;
  /** No callback follows. Idempotent. */
  close(): void;
}

export interface EventPackage {
  /** As in Event (RFC 6665 section 8.2.1). */
  readonly name: string;
  readonly contentType: string;
  /** Least time between a NOTIFY that was taken and the next one of the same subscription. */
  readonly restMs: number;
  /**
   * Undefined: there is none, or none that this subscriber may see. Both must be the same, in time too.
   * May reject when the state cannot be read; the subscriber is told to try again.
   */
  open(wanted: Wanted): Promise<EventSource | undefined>;
}
