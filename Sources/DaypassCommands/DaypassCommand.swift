// The command `daypass` and what all its subcommands share.

package import ArgumentParser
import Daemon

/// `daypass`.
package struct DaypassCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "daypass",
        abstract: "Short-lived git and registry tokens for builds, as a Secrets Store CSI provider.",
        discussion: """
            Operators run `serve` on each node, try their policy with `check` and `explain`, and see and end what is \
            held with `leases` and `revoke`; `reload` puts a changed configuration in force at once; `stores` lists the kinds of token store. Tenants check their \
            SecretProviderClass with `check`. `mount` plays the driver.

            Exit codes: 0 done; 1 refused, or problems were found; 2 a file, a socket or the network can't be used; \
            64 the command line can't be understood.
            """,
        version: DaypassVersion.current,
        subcommands: [
            ServeCommand.self, CheckCommand.self, ExplainCommand.self, MountCommand.self, LeasesCommand.self,
            ReloadCommand.self, RevokeCommand.self, StoresCommand.self, VersionCommand.self, DoctorCommand.self,
        ]
    )

    package init() {}
}

/// The exit codes beside 0; `docs/command-line.md` lists them.
enum Exit {
    /// Refused, or problems were found.
    static let negative = ExitCode(1)
    /// A file, a socket or the network can't be used.
    static let unusable = ExitCode(2)
}
