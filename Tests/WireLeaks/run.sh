#!/bin/sh
# Runs calls of all kinds under the address sanitizer and its leak detector; fails when memory is lost or misused.
#
# It builds Sources/UnaryRPC in a small package of its own in a temporary directory, because the sanitizer needs other
# objects than the package's build has. swift-log is taken from the package's checkouts: run `swift build` first.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/daypass-leaks.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
mkdir -p "$work/Sources/leaks"
ln -s "$root/Sources/UnaryRPC" "$root/Sources/CGRPC" "$work/Sources/"
ln -s "$root/.build/checkouts/swift-log" "$work/swift-log"
cp "$root/Tests/WireLeaks/main.swift" "$work/Sources/leaks/"
cat > "$work/Package.swift" <<'MANIFEST'
// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
let package = Package(
    name: "leaks",
    dependencies: [.package(path: "swift-log")],
    targets: [
        .systemLibrary(name: "CGRPC"),
        .target(
            name: "UnaryRPC", dependencies: ["CGRPC", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),
        .executableTarget(
            name: "leaks", dependencies: ["UnaryRPC", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),
    ]
)
MANIFEST
cd "$work"
# The linker warns of a hundred symbols of the sanitizer; shown only when the build fails.
swift build --sanitize=address --product leaks > build.log 2>&1 || { cat build.log; exit 1; }
ASAN_OPTIONS=detect_leaks=1 ./.build/debug/leaks
