// moto (<https://docs.getmoto.org>), a counterpart of AWS that others wrote: a real process, ended by its id.

import Foundation
import HTTPTransfer
import Logging
import Subprocess
import Support
import SystemPackage
import Testing
import TokenStore

@testable import TokenStores

/// A moto that runs.
struct MotoServer: Sendable {
    /// Its base URL, on a loopback port.
    let url: String

    /// The one of the running suite.
    @TaskLocal static var current: MotoServer?

    /// moto's account.
    static let account = "123456789012"

    /// Runs moto on a free port for as long as `body` runs.
    ///
    /// - Throws: ``SceneryFailure`` when it is not installed.
    static func run(_ body: @Sendable (MotoServer) async throws -> Void) async throws {
        let log = FileManager.default.temporaryDirectory.appending(path: "moto-\(UUID().uuidString).log")
        defer { try? FileManager.default.removeItem(at: log) }
        let output = try FileDescriptor.open(
            FilePath(log.path),
            .writeOnly,
            options: [.create, .truncate],
            permissions: .ownerReadWrite
        )
        func said() -> String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }
        _ = try await Subprocess.run(
            interpreter,
            arguments: ["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
            environment: .inherit.updating(["PYTHONUNBUFFERED": "1"]),
            input: .none,
            output: .discarded,
            error: .fileDescriptor(output, closeAfterSpawningProcess: true)
        ) { process in
            defer { try? process.send(signal: .kill) }
            await until { said().contains("Running on http://") || said().contains("No module named") }
            guard let address = said().firstMatch(of: /Running on (http:\/\/127\.0\.0\.1:[0-9]+)/)?.1 else {
                throw SceneryFailure("moto did not start: run scripts/install-moto")
            }
            try await body(MotoServer(url: String(address)))
        }
    }

    /// Whether there is a moto to run: a machine without PyPI has none.
    static var isInstalled: Bool {
        get async {
            let check = try? await Subprocess.run(
                interpreter,
                arguments: ["-c", "import moto.server"],
                output: .discarded,
                error: .discarded
            )
            return check?.terminationStatus.isSuccess ?? false
        }
    }

    /// The python of `scripts/install-moto`, or the system's own.
    private static var interpreter: Executable {
        var root = BuildProducts.folder
        while root.path != "/", !FileManager.default.fileExists(atPath: root.appending(path: "Package.swift").path) {
            root.deleteLastPathComponent()
        }
        let own = root.appending(path: ".build/moto/bin/python").path
        return FileManager.default.isExecutableFile(atPath: own) ? .path(FilePath(own)) : .name("python3")
    }

    /// How many calls moto takes without a signature from now on; it verifies all that follow.
    func verifySignatures(after unsigned: Int) async throws {
        let call = HTTPCall(
            "POST",
            url + "/moto-api/reset-auth",
            headers: [HTTPField("Content-Type", "text/plain")],
            body: Array("\(unsigned)".utf8)
        )
        #expect(try await send(call).status == 200)
    }

    /// A call to IAM; answers its XML.
    @discardableResult
    func iam(_ action: String, _ fields: [String: String]) async throws -> PlainXML {
        var form = FormBody()
        form.add("Action", action)
        form.add("Version", "2010-05-08")
        for (name, value) in fields { form.add(name, value) }
        let keys = AWSKeys(accessKeyID: "AKIAADMIN", secretAccessKey: Secret(utf8: "any"), sessionToken: nil)
        let call = HTTPCall("POST", url + "/", headers: [FormBody.contentType], body: form.bytes)
        let signed = SigV4(keys: keys, region: "us-east-1", service: "iam").signed(call, at: SystemClock().now)
        let answer = try await send(signed)
        try #require(answer.status == 200, "\(action): \(String(decoding: answer.body, as: UTF8.self))")
        return try #require(PlainXML.parse(answer.body))
    }

    private func send(_ call: HTTPCall) async throws -> HTTPAnswer {
        let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        return try await withCurlTransport(HTTPTransferOptions(environment: [:]), logger: silent) { http in
            try await http.send(call)
        }
    }
}

/// One moto for a whole suite.
struct MotoTrait: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        try await MotoServer.run { moto in
            try await MotoServer.$current.withValue(moto) { try await function() }
        }
    }
}

extension Trait where Self == MotoTrait {
    /// Runs one moto for the whole suite.
    static var moto: Self { Self() }
}
