// Sockets are opened and closed on the main thread; engines only borrow them.
#pragma once

#include <napi.h>

namespace binding {

/** `openSocket(address, port)` → number, or the name of the error; `closeSocket(number)` → whether
 * it was ours. */
void add_sockets(Napi::Env env, Napi::Object exports);

}  // namespace binding
