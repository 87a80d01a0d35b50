// The load generator: callers that each wait for their answer before they ask again, over one channel as the driver's.

#include <algorithm>
#include <atomic>
#include <future>
#include <iostream>

#include "driver.h"

namespace {

using Clock = std::chrono::steady_clock;

/// Makes `calls` calls from `callers` threads and returns the microseconds that each call took, sorted.
std::vector<double> measure(Session& session, const std::vector<v1alpha1::MountRequest>& all, std::size_t calls) {
    std::atomic<std::size_t> next{0};
    std::vector<std::future<std::vector<double>>> callers;
    for (std::size_t caller = 0; caller < session.options.callers; ++caller) {
        callers.push_back(std::async(std::launch::async, [&] {
            std::vector<double> durations;
            for (auto call = next++; call < calls; call = next++) {
                const auto start = Clock::now();
                const auto status = session.status(all[call % all.size()]);
                durations.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
                if (!status.ok()) {
                    next = calls;
                    throw Failure("Mount: " + describe(status));
                }
            }
            return durations;
        }));
    }
    std::vector<double> durations;
    for (auto& caller : callers) {
        const auto own = caller.get();
        durations.insert(durations.end(), own.begin(), own.end());
    }
    std::sort(durations.begin(), durations.end());
    return durations;
}

}  // namespace

void load(Session& session) {
    auto all = requests(session.options);
    for (auto& request : all) {
        session.mount(request);  // also checks the answer, which the measured calls do not
    }
    measure(session, all, session.options.warmUp);
    const auto start = Clock::now();
    const auto durations = measure(session, all, session.options.calls);
    const auto seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (durations.empty()) {
        throw Failure("no call was made");
    }
    const auto share = [&](double part) { return durations[std::size_t(part * double(durations.size() - 1))]; };
    std::cout << "{\"callers\":" << session.options.callers << ",\"calls\":" << durations.size()
              << ",\"request_bytes\":" << all.front().ByteSizeLong() << ",\"seconds\":" << seconds
              << ",\"calls_per_second\":" << std::size_t(double(durations.size()) / seconds)
              << ",\"p50_us\":" << share(0.5) << ",\"p99_us\":" << share(0.99) << ",\"max_us\":" << durations.back()
              << "}" << std::endl;
}
