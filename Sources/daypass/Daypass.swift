// The executable, with the built-in token stores; everything is in DaypassCommands.

import DaypassMain

@main
enum Daypass {
    static func main() async { await runDaypass() }
}
