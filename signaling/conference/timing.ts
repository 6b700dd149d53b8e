/**
 * How long the parts of the conference management system wait for one another. They stand together
 * because they must fit into one another: a caller's patience ⊃ a try of the VRU ⊃ a try of the proxy.
 */

/** A VRU asks again, or elsewhere, after this. */
export const CLIENT_TRY_MS = 6_000;
/**
 * The proxy turns to another interface server after this; a server that comes to a request later
 * does not carry it out, as another has it by then.
 */
export const SERVER_TRY_MS = 4_000;
export const INTERFACE_LEASE_MS = 3_000;
export const VRU_LEASE_MS = 4_000;
