// `daypass` with the Acme store beside the built-in ones.

import AcmeStore
import DaypassMain

@main
enum AcmeDaypass {
    static func main() async { await runDaypass(adding: [AcmeStore.self]) }
}
