// Bytes in and out of the core's slices and buffers: one copy each way.

import CGRPC
import Synchronization

/// The core's pointer to something that it locks itself. Who holds it keeps the object alive; this only says that the
/// pointer may cross threads.
struct CorePointer: @unchecked Sendable {
    let raw: OpaquePointer

    /// Nil when the core gave no object.
    init?(_ raw: OpaquePointer?) {
        guard let raw else { return nil }
        self.raw = raw
    }
}

extension String {
    /// A copy of a slice's bytes; what is no UTF-8 is replaced.
    init(copying slice: inout grpc_slice) {
        let bytes = UnsafeBufferPointer(start: daypass_slice_bytes(&slice), count: daypass_slice_length(&slice))
        self.init(decoding: bytes, as: UTF8.self)
    }
}

extension [UInt8] {
    /// A copy of a slice's bytes.
    init(copying slice: inout grpc_slice) {
        self.init(UnsafeBufferPointer(start: daypass_slice_bytes(&slice), count: daypass_slice_length(&slice)))
    }

    /// Takes a message out of the core: copies it and destroys the buffer. Nil when there is none.
    init?(taking buffer: inout UnsafeMutablePointer<grpc_byte_buffer>?) {
        guard let raw = buffer else { return nil }
        defer {
            grpc_byte_buffer_destroy(raw)
            buffer = nil
        }
        self.init(unsafeUninitializedCapacity: grpc_byte_buffer_length(raw)) { room, count in
            count = daypass_buffer_copy(raw, room.baseAddress, room.count)
        }
    }

    /// A buffer of the core with a copy of these bytes; it is destroyed by ``destroyBuffer(_:)``.
    func makeBuffer() -> UnsafeMutablePointer<grpc_byte_buffer>? {
        LiveObjects.buffers.add(1, ordering: .relaxed)
        return withUnsafeBytes { daypass_buffer_create($0.baseAddress, $0.count) }
    }
}

/// Destroys a buffer that `makeBuffer` made.
func destroyBuffer(_ buffer: UnsafeMutablePointer<grpc_byte_buffer>?) {
    guard let buffer else { return }
    grpc_byte_buffer_destroy(buffer)
    LiveObjects.buffers.subtract(1, ordering: .relaxed)
}

extension grpc_slice {
    /// A slice with a copy of the text; the caller unrefs it.
    init(copying text: String) {
        var text = text
        self = text.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return grpc_empty_slice() }
            return UnsafeRawPointer(base).withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                grpc_slice_from_copied_buffer($0, bytes.count)
            }
        }
    }

    /// A slice with a copy of the bytes; the caller unrefs it.
    init(copying bytes: [UInt8]) {
        self = bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return grpc_empty_slice() }
            return base.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                grpc_slice_from_copied_buffer($0, bytes.count)
            }
        }
    }
}

extension gpr_timespec {
    static var never: gpr_timespec { gpr_inf_future(GPR_CLOCK_MONOTONIC) }

    /// The core's time in `duration` from now; never when that is too far away to say.
    static func after(_ duration: Duration) -> gpr_timespec {
        guard let (seconds, nanoseconds) = duration.coreSpan else { return never }
        let span = gpr_timespec(tv_sec: seconds, tv_nsec: nanoseconds, clock_type: GPR_TIMESPAN)
        return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), span)
    }

    /// The same time on Swift's clock; nil for never.
    var instant: ContinuousClock.Instant? {
        guard gpr_time_cmp(self, gpr_inf_future(clock_type)) != 0 else { return nil }
        let left = gpr_time_sub(gpr_convert_clock_type(self, GPR_CLOCK_MONOTONIC), gpr_now(GPR_CLOCK_MONOTONIC))
        return .now + .seconds(left.tv_sec) + .nanoseconds(Int64(left.tv_nsec))
    }
}

extension Duration {
    /// The parts of the core's time span, which must not be negative: the core ends the process otherwise. Nil when the
    /// span is too long to say.
    var coreSpan: (seconds: Int64, nanoseconds: Int32)? {
        let (seconds, attoseconds) = max(.zero, self).components
        return seconds < 1 << 32 ? (seconds, Int32(attoseconds / 1_000_000_000)) : nil
    }

    /// Whole milliseconds as the core's options take them: 1 ms at least, and no more than an `Int32` holds.
    var coreMilliseconds: Int {
        let (seconds, attoseconds) = components
        guard seconds < Int64(Int32.max) / 1000 else { return Int(Int32.max) }
        return max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}
