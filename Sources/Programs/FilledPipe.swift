// What a program reads: written before it starts, so that one that does not read harms nobody.

import Glibc
import SystemPackage
import TokenStore

/// A pipe that holds a program's whole input, with its writing end closed already.
///
/// Nothing is written while the program runs. So a program that closes its input early causes no SIGPIPE in the daemon,
/// and one that never reads blocks nobody.
struct FilledPipe: Sendable {
    /// The end that becomes the program's standard input. Whoever starts the program closes it.
    let readEnd: FileDescriptor

    /// `F_SETPIPE_SZ` of Linux, which Swift's module of the C library leaves out.
    private static let setPipeSize: CInt = 1031

    /// - Throws: ``ProgramError`` when the system gives no pipe of that size.
    init(_ input: Secret) throws(ProgramError) {
        do {
            let (reading, writing) = try FileDescriptor.pipe(options: .closeOnExec)
            defer { try? writing.close() }
            do {
                // A user with many pipes gets small ones. A pipe that stays too small fails; it must not wait for ever.
                _ = fcntl(writing.rawValue, Self.setPipeSize, CInt(SubprocessRunner.largestInput))
                guard fcntl(writing.rawValue, F_SETFL, O_NONBLOCK) == 0 else { throw Errno(rawValue: errno) }
                try writing.writeAll(input.reveal())
            } catch {
                try? reading.close()
                throw error
            }
            readEnd = reading
        } catch {
            // All that can be lacking here is the system's: files, memory, or room for pipes (then a write would block).
            throw ProgramError(.noResources, "the system gives no pipe for a program's input: \(error)")
        }
    }
}
