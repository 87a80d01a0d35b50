// The channel to the provider, dialled as the driver dials it, and the calls over it.

#include <iostream>

#include "driver.h"

namespace {

/// How long the channel may be idle before it closes its connection; the shortest that gRPC takes.
constexpr int idleMilliseconds = 1'000;

/// `text` as a URL's path segment, which is what gRPC's C core once sent as the authority of a Unix socket.
std::string percentEncoded(const std::string& text) {
    static const char digits[] = "0123456789ABCDEF";
    std::string result;
    for (const unsigned char byte : text) {
        if (isalnum(byte) || std::string("-_.~").find(char(byte)) != std::string::npos) {
            result += char(byte);
        } else {
            result += {'%', digits[byte >> 4], digits[byte & 15]};
        }
    }
    return result;
}

std::string authority(const Options& options) {
    if (options.authority == "raw") {
        return options.socket;
    }
    return options.authority == "encoded" ? percentEncoded(options.socket) : options.authority;
}

}  // namespace

Session::Session(Options given) : options(std::move(given)) {
    grpc::ChannelArguments arguments;
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, authority(options));
    arguments.SetMaxReceiveMessageSize(4 << 20);
    arguments.SetInt(GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS, idleMilliseconds);
    channel = grpc::CreateCustomChannel("unix:" + options.socket, grpc::InsecureChannelCredentials(), arguments);
    provider = v1alpha1::CSIDriverProvider::NewStub(channel);
}

void Session::version() {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    context.set_deadline(std::chrono::system_clock::now() + options.timeout);
    v1alpha1::VersionRequest request;
    request.set_version("v1alpha1");
    v1alpha1::VersionResponse answer;
    const auto status = provider->Version(&context, request, &answer);
    if (!status.ok()) {
        throw Failure("Version: " + describe(status));
    }
    if (answer.version() != "v1alpha1" || answer.runtime_name().empty() || answer.runtime_version().empty()) {
        throw Failure("Version answered " + answer.ShortDebugString());
    }
}

std::string Session::mount(const v1alpha1::MountRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + options.timeout);
    v1alpha1::MountResponse answer;
    if (const auto status = mount(context, request, answer); !status.ok()) {
        throw Failure("Mount: " + describe(status));
    }
    checkAnswer(answer);
    return answer.SerializeAsString();
}

grpc::Status Session::mount(grpc::ClientContext& context, const v1alpha1::MountRequest& request,
                            v1alpha1::MountResponse& answer) {
    context.set_wait_for_ready(true);
    return provider->Mount(&context, request, &answer);
}

grpc::Status Session::status(const v1alpha1::MountRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + options.timeout);
    v1alpha1::MountResponse answer;
    return mount(context, request, answer);
}

void Session::ask(const std::string& what) {
    std::cout << "ask " << what << std::endl;
    std::string answer;
    if (!std::getline(std::cin, answer)) {
        throw Failure("nobody answered \"ask " + what + "\"");
    }
    if (answer != "done") {
        throw Failure("asked for " + what + ": " + answer);
    }
}

void Session::waitFor(grpc_connectivity_state state, bool reached) {
    const auto limit = std::chrono::system_clock::now() + options.timeout;
    for (auto now = channel->GetState(false); (now == state) != reached; now = channel->GetState(false)) {
        if (!channel->WaitForStateChange(now, limit)) {
            throw Failure("the channel stayed in state " + std::to_string(now));
        }
    }
}
