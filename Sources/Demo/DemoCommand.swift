// `daypass-demo`: the life of one build, played with real parts on this machine.

import ArgumentParser
import Foundation

@main
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daypass-demo",
        abstract: "Play the life of one build with real parts, and check every claim."
    )

    @Option(help: ArgumentHelp("The daypass binary.", valueName: "path"))
    var daypass: String

    @Flag(help: "Do not pause between the scenes.")
    var fast = false

    func run() async throws {
        let binary = URL(filePath: daypass).standardizedFileURL.path
        guard FileManager.default.isExecutableFile(atPath: binary) else {
            throw ValidationError("\(daypass) is no program; build it with: swift build --product daypass")
        }
        let stage = Stage(isPaced: !fast)
        try await withScenery(daypass: binary) { scenery in
            try await Story(stage: stage, scenery: scenery).play()
        }
        stage.end()
        guard stage.failures == 0 else { throw ExitCode(1) }
    }
}
