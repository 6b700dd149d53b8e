#include "napi/sockets.h"

#include <errno.h>
#include <unistd.h>

#include <string>

#include "napi/environment.h"
#include "net/udp_link.h"

namespace binding {
namespace {

const char* name_of(int error) {
  switch (error) {
    case EADDRINUSE:
      return "EADDRINUSE";
    case EADDRNOTAVAIL:
      return "EADDRNOTAVAIL";
    case EACCES:
      return "EACCES";
    case EMFILE:
      return "EMFILE";
    case ENFILE:
      return "ENFILE";
    default:
      return "EIO";
  }
}

Napi::Value open_socket(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 2 || !info[0].IsString() || !info[1].IsNumber()) {
    Napi::TypeError::New(env, "openSocket expects (address: string, port: number)")
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const std::string text = info[0].As<Napi::String>().Utf8Value();
  const double port = info[1].As<Napi::Number>().DoubleValue();
  net::Address address;
  if (!(port >= 0 && port <= 65535) ||
      !net::parse_address(text.c_str(), static_cast<uint16_t>(port), address)) {
    Napi::TypeError::New(env, "openSocket: not an IP address and a port: " + text)
        .ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const int socket = net::open_udp(address);
  if (socket < 0) return Napi::String::New(env, name_of(-socket));
  env.GetInstanceData<Environment>()->sockets.insert(socket);
  return Napi::Number::New(env, socket);
}

Napi::Value close_socket(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsNumber()) {
    Napi::TypeError::New(env, "closeSocket expects (socket: number)").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const int socket = info[0].As<Napi::Number>().Int32Value();
  const bool ours = env.GetInstanceData<Environment>()->sockets.erase(socket) == 1;
  if (ours) ::close(socket);
  return Napi::Boolean::New(env, ours);
}

}  // namespace

void add_sockets(Napi::Env env, Napi::Object exports) {
  exports.Set("openSocket", Napi::Function::New(env, open_socket, "openSocket"));
  exports.Set("closeSocket", Napi::Function::New(env, close_socket, "closeSocket"));
}

}  // namespace binding
