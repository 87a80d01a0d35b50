// A client that plays the Secrets Store CSI driver on gRPC's C++ library: `cpp-driver SCENARIO [flags]`.
//
// It prints `ok NAME` or `FAIL NAME: why` and exits 1 when a check failed. Where a scenario needs something of the
// server's side it prints `ask WHAT` and waits for a line: `done`, or why it cannot be done. Other than the Go client
// it repeats nothing, so that an UNAVAILABLE of the provider shows. `cpp-driver load` measures.

#include <getopt.h>

#include <iostream>

#include "driver.h"

namespace {

constexpr int usageError = 64;

/// The flags; each is the same as the Go client's, but for the load's own.
const option flags[] = {
    {"socket", required_argument, nullptr, 's'},
    {"authority", required_argument, nullptr, 'a'},
    {"attributes-file", required_argument, nullptr, 'f'},
    {"target-path", required_argument, nullptr, 't'},
    {"secrets", required_argument, nullptr, 'k'},
    {"permission", required_argument, nullptr, 'p'},
    {"expect-code", required_argument, nullptr, 'c'},
    {"expect-text", required_argument, nullptr, 'x'},
    {"callers", required_argument, nullptr, 'n'},
    {"calls", required_argument, nullptr, 'm'},
    {"warm-up", required_argument, nullptr, 'w'},
    {"size", required_argument, nullptr, 'b'},
    {"timeout-ms", required_argument, nullptr, 'T'},
    {"deadline-ms", required_argument, nullptr, 'D'},
    {nullptr, 0, nullptr, 0},
};

/// Reads the flags, or says why they cannot be read.
Options parse(int count, char** arguments) {
    Options options;
    for (int flag; (flag = getopt_long(count, arguments, "", flags, nullptr)) != -1;) {
        switch (flag) {
            case 's': options.socket = optarg; break;
            case 'a': options.authority = optarg; break;
            case 'f': options.attributeFiles.push_back(optarg); break;
            case 't': options.targetPaths.push_back(optarg); break;
            case 'k': options.secrets = optarg; break;
            case 'p': options.permission = optarg; break;
            case 'c': options.expectCode = optarg; break;
            case 'x': options.expectTexts.push_back(optarg); break;
            case 'n': options.callers = std::stoul(optarg); break;
            case 'm': options.calls = std::stoul(optarg); break;
            case 'w': options.warmUp = std::stoul(optarg); break;
            case 'b': options.size = std::stoul(optarg); break;
            case 'T': options.timeout = std::chrono::milliseconds(std::stol(optarg)); break;
            case 'D': options.deadline = std::chrono::milliseconds(std::stol(optarg)); break;
            default: throw std::invalid_argument("unknown flag");
        }
    }
    if (options.socket.empty() || optind < count) {
        throw std::invalid_argument("--socket is needed, and no other arguments than flags");
    }
    return options;
}

}  // namespace

int main(int count, char** arguments) {
    const std::string name = count > 1 ? arguments[1] : "";
    const auto play = scenario(name);
    if (!play) {
        std::cerr << "usage: cpp-driver SCENARIO [flags]; scenarios: " << scenarioNames() << "\n";
        return usageError;
    }
    Options options;
    try {
        options = parse(count - 1, arguments + 1);
    } catch (const std::exception& error) {
        std::cerr << "cpp-driver: " << error.what() << "\n";
        return usageError;
    }
    try {
        Session session(options);
        play(session);
    } catch (const Failure& failure) {
        std::cout << "FAIL " << name << ": " << failure.what() << std::endl;
        return 1;
    }
    std::cout << "ok " << name << std::endl;
    return 0;
}
