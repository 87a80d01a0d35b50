// The example of docs/secretproviderclass.md: it is taken, and its files are what the page says they are.

import Foundation
import MountRequests
import Rendering
import Testing
import TokenStore

@Suite struct MustachePageTests {
    @Test func theExampleWorks() async throws {
        let root = URL(filePath: #filePath).pathComponents.dropLast(4).joined(separator: "/")
        let page = try String(contentsOfFile: "\(root)/docs/secretproviderclass.md", encoding: .utf8)
        let section = try #require(page.split(separator: "### `mustache`\n").last)
        let block = try #require(
            section.split(separator: "```yaml\n").dropFirst().first?.split(separator: "```\n").first
        )
        let file = SecretProviderClassFile(String(block), file: "page")
        let ask = try #require(file.classes.first?.ask)
        let plan = try FilePlan(ask.files, tokens: [Sample.git()])
        let files = try plan.render(["source": Sample.issued("ghs_T/1")])
        let texts = files.map { String(decoding: $0.contents, as: UTF8.self) }
        #expect(
            texts.first == """
                @our-org:registry=https://npm.pkg.github.com/
                //npm.pkg.github.com/:_authToken=ghs_T/1

                """
        )
        #expect(texts.dropFirst().first?.contains("https://x-access-token:ghs_T%2F1@pypi.example.com/simple\n") == true)
        #expect(texts.last?.contains("<localRepository>${user.home}/.m2/repository</localRepository>") == true)
        try await withScratch { scratch in
            let path = try scratch.write("settings.xml", try #require(texts.last))
            let script =
                "import sys, xml.etree.ElementTree as t; print(*(e.text for e in t.parse(sys.argv[1]).iter('password')))"
            #expect(try await scratch.run("python3", ["-c", script, path]).output == "ghs_T/1\n")
        }
    }
}
