// Whether a run can have the open files that it needs, asked before anything is started.

import SystemPackage
import TokenStore

/// A lack of descriptors in the middle of a start can leave swift-subprocess waiting for a child that nobody hears of
/// (seen with 1.0 and a limit a few above the open files). So a run begins only when there are enough of them.
enum DescriptorCheck {
    /// What one run opens at once: three pipes, the exec's error pipe, a process descriptor, and what other threads of
    /// the daemon take meanwhile.
    static let needed = 24

    /// - Throws: ``ProgramError`` with code `noResources`.
    static func run() throws(ProgramError) {
        var taken: [FileDescriptor] = []
        defer { for descriptor in taken { try? descriptor.close() } }
        do {
            for _ in 0..<needed {
                taken.append(try FileDescriptor.open("/dev/null", .readOnly, options: .closeOnExec))
            }
        } catch {
            throw ProgramError(.noResources, "too few files can be opened to run a program: \(error)")
        }
    }
}
