// The runner of the programs that stores name, as the configuration wants it.

package import Policy
package import Programs

extension ProgramSettings {
    /// A runner for programs of the configured directory.
    package var runner: SubprocessRunner {
        SubprocessRunner(directory: directory ?? SubprocessRunner.defaultDirectory)
    }
}
