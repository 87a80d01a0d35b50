// The executable: everything is in DaypassCommands.

import ArgumentParser
import DaypassCommands

@main
enum Daypass {
    static func main() async { await DaypassCommand.main() }
}
