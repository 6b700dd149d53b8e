/** Accounts and numbers of the API, straight on the provisioning database. */
import type { MediaError } from '../../common/errors.ts';
import { ok, type Result } from '../../common/result.ts';
import type { Store } from '../../common/store/store.ts';
import {
  addAccount,
  getAccount,
  listAccounts,
  listDnis,
  putDnis,
  type RowCheck,
  removeAccount,
  removeDnis,
  replaceAccount,
} from '../conference/accounts.ts';
import type { ProvisioningBackend } from './backend.ts';

export function createProvisioningBackend(store: Store, checkRow?: RowCheck): ProvisioningBackend {
  return {
    listAccounts: () => listAccounts(store),
    getAccount: (id) => getAccount(store, id),
    createAccount: async (record) => done(await addAccount(store, record)),
    replaceAccount: async (record) => done(await replaceAccount(store, record)),
    removeAccount: (id) => removeAccount(store, id),
    listDnis: () => listDnis(store),
    putDnis: async (record) => done(await putDnis(store, record, checkRow)),
    removeDnis: (dnis) => removeDnis(store, dnis),
  };
}

const done = (result: Result<unknown, MediaError>): Result<void, MediaError> =>
  result.ok ? ok(undefined) : result;
