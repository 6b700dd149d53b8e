/** What the routes need done. main.ts builds it from bus, store and provisioning. */
import type { MediaError } from '../../common/errors.ts';
import type { AccountId, CallId, ConfereeId, ConferenceId, NodeId } from '../../common/ids.ts';
import type { Result } from '../../common/result.ts';
import type { DialListReply, DialReply, DialWish } from '../conference/dial-client.ts';
import type { LegMedia } from '../conference/leg-media.ts';
import type { AccountRecord, DnisRecord, ServiceRequest } from '../conference/messages.ts';
import type { Outside } from '../conference/service-request.ts';
import type {
  ConferenceSummary,
  ConferenceView,
  MixerView,
  RoleView,
  TrunkView,
  VruView,
} from './schemas.ts';

type Reply<T> = Promise<Result<T, MediaError>>;

export type ControlAction = Extract<ServiceRequest, { readonly kind: 'control' }>['action'];

/** `conflict`: exists already (create), or a code belongs to another account. */
export interface ProvisioningBackend {
  listAccounts(): Reply<readonly AccountRecord[]>;
  getAccount(id: AccountId): Reply<AccountRecord | undefined>;
  createAccount(record: AccountRecord): Reply<void>;
  replaceAccount(record: AccountRecord): Reply<void>;
  removeAccount(id: AccountId): Reply<void>;
  listDnis(): Reply<readonly DnisRecord[]>;
  putDnis(record: DnisRecord): Reply<void>;
  removeDnis(dnis: string): Reply<void>;
}

export interface ConferenceBackend {
  list(): Reply<readonly ConferenceSummary[]>;
  get(id: ConferenceId): Reply<ConferenceView | undefined>;
  /** As an operator. `conference-unknown`: no such conference or ordinal. */
  control(id: ConferenceId, by: Outside, action: ControlAction): Reply<void>;
  /** As an operator; the account of the conference pays and is limited all the same. */
  dial(id: ConferenceId, by: Outside, wish: DialWish): Reply<DialReply>;
  dialList(id: ConferenceId, by: Outside): Reply<DialListReply>;
  cancelDial(id: ConferenceId, by: Outside, dialId: CallId): Reply<void>;
  /** As a mixer measures it now; null: that conferee has no call there. */
  measured(mixerId: NodeId, id: ConferenceId, confereeId: ConfereeId): Reply<LegMedia | null>;
}

export interface NodeBackend {
  mixers(): Reply<readonly MixerView[]>;
  /** Undefined: no such mixer. */
  drainMixer(id: string): Reply<true | undefined>;
  vrus(): Reply<readonly VruView[]>;
  trunks(): Reply<readonly TrunkView[]>;
  /** Every role of this process. */
  roles(): readonly RoleView[];
}

export interface Backend {
  readonly provisioning: ProvisioningBackend;
  readonly conferences: ConferenceBackend;
  readonly nodes: NodeBackend;
}
