// What the files of the C++ client share: the options, the session that a scenario works with, and the checks.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "provider.grpc.pb.h"

/// A check that did not hold.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What the flags say.
struct Options {
    std::string socket, authority = "localhost";
    std::vector<std::string> attributeFiles, targetPaths;
    std::string secrets = "null", permission = "420";
    std::string expectCode;
    std::vector<std::string> expectTexts;
    std::size_t callers = 100, calls = 10'000, warmUp = 1'000, size = 5 << 20;
    std::chrono::milliseconds timeout{60'000}, deadline{2'000};
};

/// A channel to the provider and the calls that scenarios make over it.
class Session {
public:
    explicit Session(Options options);

    /// Calls Version and checks the answer.
    void version();
    /// Calls Mount, checks the answer as the driver does, and returns its bytes.
    std::string mount(const v1alpha1::MountRequest& request);
    /// Calls Mount in a context of the caller's own.
    grpc::Status mount(grpc::ClientContext& context, const v1alpha1::MountRequest& request,
                       v1alpha1::MountResponse& answer);
    /// Calls Mount with the deadline of an ordinary call and returns the status alone.
    grpc::Status status(const v1alpha1::MountRequest& request);
    /// Has the harness do something on the server's side, and waits until it is done.
    void ask(const std::string& what);
    /// Waits until the channel is in the state, or no longer in it.
    void waitFor(grpc_connectivity_state state, bool reached);

    Options options;

private:
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<v1alpha1::CSIDriverProvider::Stub> provider;
};

/// One MountRequest for each --attributes-file.
std::vector<v1alpha1::MountRequest> requests(const Options& options);
/// The request with attributes of `size` bytes: a JSON object with one key more.
v1alpha1::MountRequest padded(v1alpha1::MountRequest request, std::size_t size);
/// Holds an answer against the rules that the driver applies before it writes a file, and against an empty volume.
void checkAnswer(const v1alpha1::MountResponse& answer);
/// Holds a refusal against its rules: a code that is final for kubelet, a text of one line, and what was expected.
void checkRefusal(const grpc::Status& status, const Options& options);
/// Compares a status with --expect-code and --expect-text.
void checkExpected(const grpc::Status& status, const Options& options);
/// A status as `CODE: text`.
std::string describe(const grpc::Status& status);

/// The scenario of that name, or nothing.
std::function<void(Session&)> scenario(const std::string& name);
/// The names of all scenarios, for the usage line.
std::string scenarioNames();
/// Calls Mount from many callers at once, and prints how long it took.
void load(Session& session);
