// The scenarios: what the driver, kubelet and the node do to a provider.

#include <future>
#include <iostream>
#include <map>
#include <optional>

#include "driver.h"

namespace {

using namespace std::chrono_literals;

/// Every volume is mounted once.
void mount(Session& session) {
    for (const auto& request : requests(session.options)) {
        session.mount(request);
    }
}

/// Kubelet's repetition gets the same bytes.
void republish(Session& session) {
    const auto request = requests(session.options).front();
    const auto first = session.mount(request);
    for (int repetition = 0; repetition < 3; ++repetition) {
        if (session.mount(request) != first) {
            throw Failure("the repetition got other bytes");
        }
    }
}

/// The provider says no, in the way that kubelet and the user can use.
void refused(Session& session) {
    for (const auto& request : requests(session.options)) {
        const auto status = session.status(request);
        checkRefusal(status, session.options);
        std::cout << "refused " << describe(status) << std::endl;
    }
    session.version();
}

/// A request that is too large is refused, and the channel is still good.
void large(Session& session) {
    const auto status = session.status(padded(requests(session.options).front(), session.options.size));
    checkRefusal(status, session.options);
    std::cout << "refused " << describe(status) << std::endl;
    session.version();
}

/// Many Pods start at once. Equal requests get equal bytes, whoever was first.
void concurrent(Session& session) {
    const auto all = requests(session.options);
    std::vector<std::future<std::string>> callers;
    for (std::size_t caller = 0; caller < session.options.callers; ++caller) {
        const auto& request = all[caller % all.size()];
        callers.push_back(std::async(std::launch::async, [&] { return session.mount(request); }));
    }
    std::vector<std::string> answers;
    std::optional<Failure> failure;
    for (auto& caller : callers) {
        try {
            answers.push_back(caller.get());
        } catch (const Failure& error) {
            failure = error;
        }
    }
    if (failure) {
        throw *failure;
    }
    for (std::size_t caller = 0; caller < answers.size(); ++caller) {
        if (answers[caller] != answers[caller % all.size()]) {
            throw Failure("caller " + std::to_string(caller) + " got other bytes than one who asked the same");
        }
    }
    session.version();
}

/// The caller's deadline passes in mid-call. The caller sees it, or the provider's own answer just before.
void deadline(Session& session) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + session.options.deadline);
    v1alpha1::MountResponse answer;
    const auto status = session.mount(context, requests(session.options).front(), answer);
    auto expected = session.options;
    if (expected.expectCode.empty()) {
        expected.expectCode = "DEADLINE_EXCEEDED";
    }
    checkExpected(status, expected);
    session.ask("ended");
    session.version();
}

/// The caller goes away in mid-call.
void cancel(Session& session) {
    const auto request = requests(session.options).front();
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + session.options.timeout);
    v1alpha1::MountResponse answer;
    auto call = std::async(std::launch::async, [&] { return session.mount(context, request, answer); });
    try {
        session.ask("arrived");
    } catch (const Failure&) {
        context.TryCancel();
        throw;
    }
    context.TryCancel();
    if (const auto status = call.get(); status.error_code() != grpc::StatusCode::CANCELLED) {
        throw Failure("a cancelled call ended with " + describe(status));
    }
    session.ask("ended");
    session.version();
}

/// The channel falls idle and closes its connection, and the next call makes a new one. Once only: in gRPC 1.51 a
/// channel that was idle does not fall idle again.
void reconnect(Session& session) {
    mount(session);
    session.waitFor(GRPC_CHANNEL_IDLE, true);
    mount(session);
}

/// The provider goes away under the driver's cached client, a call comes in meanwhile, the provider is back.
void restart(Session& session) {
    mount(session);
    session.ask("stop");
    session.waitFor(GRPC_CHANNEL_READY, false);
    auto call = std::async(std::launch::async, [&] { mount(session); });
    if (call.wait_for(200ms) == std::future_status::ready) {
        call.get();
        throw Failure("a call to nobody was answered");
    }
    session.ask("start");
    call.get();
}

/// The provider is told to end while a call is in flight. The call still gets its answer.
void drain(Session& session) {
    auto call = std::async(std::launch::async, [&] { mount(session); });
    session.ask("arrived");
    session.ask("drain");
    call.get();
}

const std::map<std::string, std::function<void(Session&)>> scenarios = {
    {"version", [](Session& session) { session.version(); }},
    {"mount", mount},
    {"republish", republish},
    {"refused", refused},
    {"large", large},
    {"concurrent", concurrent},
    {"deadline", deadline},
    {"cancel", cancel},
    {"reconnect", reconnect},
    {"restart", restart},
    {"drain", drain},
    {"load", load},
};

}  // namespace

std::function<void(Session&)> scenario(const std::string& name) {
    const auto found = scenarios.find(name);
    return found == scenarios.end() ? nullptr : found->second;
}

std::string scenarioNames() {
    std::string names;
    for (const auto& [name, play] : scenarios) {
        names += (names.empty() ? "" : " ") + name;
    }
    return names;
}
