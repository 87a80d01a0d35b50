// swift-tools-version: 6.2
import PackageDescription

// In a package of your own, write the dependency as .package(url: "https://...", from: "...").
let package = Package(
    name: "acme-store",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "daypass", path: "../../..")],
    targets: [
        .target(name: "AcmeStore", dependencies: [.product(name: "TokenStore", package: "daypass")]),
        .executableTarget(
            name: "acme-daypass",
            dependencies: ["AcmeStore", .product(name: "DaypassMain", package: "daypass")]
        ),
        .testTarget(
            name: "AcmeStoreTests",
            dependencies: ["AcmeStore", .product(name: "TokenStoreTesting", package: "daypass")]
        ),
    ]
)
