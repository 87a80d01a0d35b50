// swift-tools-version: 6.2
import PackageDescription

/// The settings of every target: Swift 6 mode, warnings are errors, and the upcoming features that keep imports and
/// existentials explicit (SE-0335, SE-0409, SE-0444, SE-0461).
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let flyingFox = Target.Dependency.product(name: "FlyingFox", package: "FlyingFox")
let flyingSocks = Target.Dependency.product(name: "FlyingSocks", package: "FlyingFox")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let inMemoryLogging = Target.Dependency.product(name: "InMemoryLogging", package: "swift-log")
let jwtKit = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let tracing = Target.Dependency.product(name: "Tracing", package: "swift-distributed-tracing")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "daypass",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "TokenStore", targets: ["TokenStore"]),
        .library(name: "TokenStoreTesting", targets: ["TokenStoreTesting"]),
        .library(name: "DaypassMain", targets: ["DaypassMain"]),
        .executable(name: "daypass", targets: ["daypass"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.0.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0", traits: []),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
    ],
    targets: [
        // The extension point: public.
        .target(name: "TokenStore", dependencies: [crypto, logging]),
        .target(name: "TokenStoreTesting", dependencies: ["TokenStore", logging]),
        .target(name: "TokenStores", dependencies: ["TokenStore", crypto, jwtKit, logging]),
        // The programs that stores run.
        .target(name: "Programs", dependencies: ["TokenStore", subprocess, system]),

        // What a log line tells; which trace the current work belongs to, and where spans go.
        .target(name: "LogEvents", dependencies: [logging]),
        .target(name: "TraceContext", dependencies: [logging, tracing]),
        .target(name: "TraceExport", dependencies: ["LogEvents", "TokenStore", "TraceContext", logging, tracing]),

        // The C libraries and their two wrappers.
        .systemLibrary(name: "CGRPC", providers: [.apt(["libgrpc-dev", "libssl-dev"])]),
        .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(name: "UnaryRPC", dependencies: ["CGRPC", "LogEvents", logging]),
        .target(
            name: "HTTPTransfer",
            dependencies: ["CCurl", "LogEvents", "TokenStore", "TraceContext", logging, tracing]
        ),

        // The path of one Mount.
        .target(name: "ProviderAPI", dependencies: [protobuf]),
        .target(name: "DepotAPI", dependencies: [protobuf]),
        .target(name: "Refusals"),
        .target(name: "StrictYAML", dependencies: [yams]),
        .target(name: "MountRequests", dependencies: ["Refusals", "StrictYAML", "TokenStore"]),
        .target(name: "Policy", dependencies: ["MountRequests", "Refusals", "StrictYAML", "TokenStore", crypto]),
        .target(
            name: "Identity",
            dependencies: ["LogEvents", "Refusals", "TokenStore", crypto, cryptoExtras, logging]
        ),
        .target(name: "Rendering", dependencies: ["MountRequests", "Refusals", "TokenStore", crypto, mustache]),
        .target(name: "Leases", dependencies: ["LogEvents", "TokenStore", "TraceContext", crypto, logging, tracing]),
        .target(name: "LeaseJournal", dependencies: ["Leases", "LogEvents", "TokenStore", crypto, grdb, logging]),
        // What is asked of the API server, and said there.
        .target(name: "KubernetesAPI", dependencies: ["HTTPTransfer", "TokenStore"]),
        .target(
            name: "BuildEnds",
            dependencies: ["HTTPTransfer", "KubernetesAPI", "Leases", "LogEvents", "TokenStore", logging]
        ),
        .target(
            name: "ClusterEvents",
            dependencies: ["BuildEnds", "KubernetesAPI", "Leases", "LogEvents", "Refusals", "TokenStore", logging]
        ),
        .target(
            name: "MountService",
            dependencies: [
                "Identity", "Leases", "LogEvents", "MountRequests", "Policy", "ProviderAPI", "Refusals", "Rendering",
                "TokenStore", "TraceContext", crypto, logging, protobuf, tracing,
            ]
        ),

        // What is counted, and how Prometheus reads it.
        .target(name: "NodeMetrics", dependencies: ["Leases", "MountService", "Refusals", "TokenStore"]),
        // Health, metrics and the status page over HTTP.
        .target(name: "AdminHTTP", dependencies: ["Leases", "LogEvents", "TokenStore", crypto, flyingSocks, logging]),

        // What is run.
        .target(
            name: "Daemon",
            dependencies: [
                "AdminHTTP", "BuildEnds", "ClusterEvents", "HTTPTransfer", "Identity", "KubernetesAPI", "LeaseJournal",
                "Leases", "LogEvents", "MountRequests", "MountService", "NodeMetrics", "Policy", "Programs", "Refusals",
                "Rendering", "TokenStore", "TokenStores", "TraceContext", "TraceExport", "UnaryRPC", crypto, lifecycle,
                logging, tracing,
            ]
        ),
        .target(
            name: "DaypassCommands",
            dependencies: [
                "Daemon", "Doctor", "DriverCall", "HTTPTransfer", "Identity", "LeaseJournal", "Leases", "LogEvents",
                "MountRequests", "MountService", "Policy", "Programs", "ProviderAPI", "Refusals", "Rendering",
                "StrictYAML", "TokenStore", "TokenStores", "TraceContext", "UnaryRPC", "VolumeWriter", argumentParser,
                lifecycle, logging, protobuf, unixSignals,
            ]
        ),
        // `daypass doctor`: findings over gathered facts, and how they are gathered.
        .target(
            name: "Doctor",
            dependencies: [
                "MountRequests", "Policy", "Refusals", "StrictYAML", "TokenStore", "TokenStores", logging, subprocess,
                system,
            ]
        ),
        // The driver's side of a Mount: what it sends, and how it writes the files.
        .target(name: "DriverCall", dependencies: ["TokenStore"]),
        .target(name: "VolumeWriter"),
        .target(name: "DaypassMain", dependencies: ["DaypassCommands", "TokenStore", argumentParser]),
        .executableTarget(name: "daypass", dependencies: ["DaypassMain"]),

        // Loopback counterparts of a forge and a cluster, for the demo and the tests.
        .target(name: "LoopbackForge", dependencies: [crypto, cryptoExtras, flyingFox, subprocess]),
        .target(name: "LoopbackCluster", dependencies: ["DriverCall", "TokenStore", crypto, cryptoExtras, flyingFox]),
        .executableTarget(
            name: "daypass-demo",
            dependencies: ["LoopbackCluster", "LoopbackForge", "TokenStore", argumentParser, subprocess, system],
            path: "Sources/Demo"
        ),

        .target(
            name: "Support",
            dependencies: [
                "DriverCall", "Leases", "LoopbackCluster", "LoopbackForge", "ProviderAPI", "TokenStore",
                "TokenStoreTesting", "UnaryRPC", logging, protobuf, subprocess, system,
            ],
            path: "Tests/Support"
        ),
        // Counterparts of the token sources, each of which refuses what the real one refuses.
        .target(
            name: "LoopbackSources",
            dependencies: [
                "LoopbackCluster", "TokenStore", crypto, cryptoExtras, flyingFox, jwtKit, subprocess, system,
            ],
            path: "Tests/LoopbackSources"
        ),
        .testTarget(name: "TokenStoreTests", dependencies: ["TokenStore", "TokenStoreTesting", logging]),
        .testTarget(
            name: "TokenStoresTests",
            dependencies: [
                "HTTPTransfer", "LoopbackCluster", "LoopbackForge", "LoopbackSources", "MountRequests", "Programs",
                "Rendering", "Support", "TokenStore", "TokenStores", "TokenStoreTesting", crypto, cryptoExtras, jwtKit,
                logging, subprocess, system,
            ]
        ),
        .testTarget(
            name: "ProgramsTests",
            dependencies: ["Programs", "Support", "TokenStore", subprocess, system]
        ),
        .testTarget(name: "RefusalsTests", dependencies: ["Refusals"]),
        .testTarget(name: "StrictYAMLTests", dependencies: ["StrictYAML"]),
        .testTarget(
            name: "MountRequestsTests",
            dependencies: ["MountRequests", "Refusals", "StrictYAML", "TokenStore"]
        ),
        .testTarget(
            name: "PolicyTests",
            dependencies: [
                "MountRequests", "Policy", "Refusals", "StrictYAML", "Support", "TokenStore", "TokenStoreTesting",
                logging,
            ]
        ),
        .testTarget(
            name: "IdentityTests",
            dependencies: [
                "Identity", "LoopbackCluster", "Refusals", "TokenStore", "TokenStoreTesting", crypto, cryptoExtras,
                flyingFox, jwtKit, logging,
            ]
        ),
        .testTarget(
            name: "RenderingTests",
            dependencies: [
                "MountRequests", "Refusals", "Rendering", "Support", "TokenStore", "VolumeWriter", crypto, subprocess,
            ]
        ),
        .testTarget(name: "VolumeWriterTests", dependencies: ["Support", "VolumeWriter"]),
        .testTarget(
            name: "LeasesTests",
            dependencies: ["Leases", "Support", "TokenStore", "TokenStoreTesting", logging]
        ),
        .testTarget(
            name: "LeaseJournalTests",
            dependencies: ["LeaseJournal", "Leases", "Support", "TokenStore", "TokenStoreTesting", grdb, logging]
        ),
        .testTarget(
            name: "BuildEndsTests",
            dependencies: [
                "BuildEnds", "HTTPTransfer", "KubernetesAPI", "Leases", "LoopbackCluster", "Support", "TokenStore",
                "TokenStoreTesting", logging,
            ]
        ),
        .testTarget(
            name: "ClusterEventsTests",
            dependencies: [
                "BuildEnds", "ClusterEvents", "HTTPTransfer", "KubernetesAPI", "Leases", "LoopbackCluster", "Refusals",
                "Support", "TokenStore", "TokenStoreTesting", logging,
            ]
        ),
        .testTarget(
            name: "MountServiceTests",
            dependencies: [
                "DriverCall", "Identity", "Leases", "LoopbackCluster", "MountRequests", "MountService", "Policy",
                "ProviderAPI", "Refusals", "Rendering", "Support", "TokenStore", "TokenStoreTesting", crypto, logging,
                protobuf,
            ]
        ),
        .testTarget(
            name: "DoctorTests",
            dependencies: [
                "Doctor", "HTTPTransfer", "LoopbackCluster", "LoopbackForge", "MountRequests", "Policy", "StrictYAML",
                "Support", "TokenStore", "TokenStores", "TokenStoreTesting", flyingFox, logging,
            ]
        ),
        .testTarget(name: "TraceContextTests", dependencies: ["Support", "TraceContext", logging, tracing]),
        .testTarget(
            name: "TraceExportTests",
            dependencies: [
                "HTTPTransfer", "Support", "TokenStore", "TokenStoreTesting", "TraceContext", "TraceExport", logging,
                tracing,
            ],
            exclude: ["collector.py"]
        ),
        .testTarget(
            name: "AdminHTTPTests",
            dependencies: ["AdminHTTP", "Leases", "Support", "TokenStore", flyingSocks, logging]
        ),
        .testTarget(
            name: "NodeMetricsTests",
            dependencies: [
                "Leases", "MountService", "NodeMetrics", "Refusals", "Support", "TokenStore", "TokenStoreTesting",
                flyingFox, logging, subprocess, system, yams,
            ]
        ),
        .testTarget(name: "UnaryRPCTests", dependencies: ["UnaryRPC", "Support", logging]),
        .testTarget(
            name: "HTTPTransferTests",
            dependencies: ["HTTPTransfer", "TokenStore", flyingFox, inMemoryLogging, logging, subprocess],
            exclude: ["loopback.py"]
        ),
        .testTarget(
            name: "DaemonTests",
            dependencies: [
                "Daemon", "Identity", "Leases", "LogEvents", "LoopbackCluster", "MountService", "NodeMetrics", "Policy",
                "Refusals", "Rendering", "Support", "TokenStore", "TokenStoreTesting", "UnaryRPC", crypto, logging,
                subprocess,
                system,
            ]
        ),
        .testTarget(
            name: "DaypassCommandsTests",
            dependencies: ["DriverCall", "LoopbackCluster", "LoopbackForge", "Support", "TokenStore"]
        ),
        .testTarget(
            name: "FaultTests",
            dependencies: [
                "Daemon", "DriverCall", "Leases", "LoopbackCluster", "LoopbackForge", "Support", "TokenStore",
            ]
        ),
        .testTarget(
            name: "InteropTests",
            dependencies: ["DriverCall", "LoopbackForge", "Support", "TokenStore", subprocess, system]
        ),
    ]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = settings
}
