// The core's options, by name.

import CGRPC
import Glibc

/// Options of a server or a channel, lent to the core while it creates one.
struct ChannelArguments {
    private enum Value {
        case integer(Int)
        case text(String)
    }

    private var values: [(key: String, value: Value)] = []

    mutating func set(_ key: String, _ value: Int) { values.append((key, .integer(value))) }
    mutating func set(_ key: String, _ value: Bool) { values.append((key, .integer(value ? 1 : 0))) }
    mutating func set(_ key: String, _ value: String) { values.append((key, .text(value))) }

    /// Calls `body` with the core's form of the options; it is valid only during the call.
    func withCoreArguments<R>(_ body: (UnsafePointer<grpc_channel_args>) -> R) -> R {
        var texts: [UnsafeMutablePointer<CChar>?] = []
        defer { for text in texts { free(text) } }
        func copy(_ text: String) -> UnsafeMutablePointer<CChar>? {
            let copy = strdup(text)
            texts.append(copy)
            return copy
        }
        var arguments = values.map { key, value in
            var argument = grpc_arg()
            argument.key = copy(key)
            switch value {
            case .integer(let number):
                argument.type = GRPC_ARG_INTEGER
                argument.value.integer = Int32(clamping: number)
            case .text(let text):
                argument.type = GRPC_ARG_STRING
                argument.value.string = copy(text)
            }
            return argument
        }
        return arguments.withUnsafeMutableBufferPointer { buffer in
            var list = grpc_channel_args(num_args: buffer.count, args: buffer.baseAddress)
            return body(&list)
        }
    }
}

extension ChannelArguments {
    /// What servers and clients share: nothing that keeps a history of what was sent, no tracing, no compression.
    init(maxMessageBytes: Int, keepaliveTime: Duration, keepaliveTimeout: Duration) {
        set(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, maxMessageBytes)
        set(GRPC_ARG_ENABLE_CHANNELZ, false)
        set(GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0)
        // Identity only: a small compressed message could fill the memory before its size is checked.
        set(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1)
        set(GRPC_ARG_KEEPALIVE_TIME_MS, keepaliveTime.coreMilliseconds)
        set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepaliveTimeout.coreMilliseconds)
        set(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, true)
        set(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0)
        // The round-trip probe is for networks; on a local socket it only costs pings.
        set(GRPC_ARG_HTTP2_BDP_PROBE, false)
    }
}
