// Objects that nobody should have made: wrong types, huge, deep. No check may end the process or show their text raw.

import Foundation
import Support
import Testing

@testable import Doctor

struct HostileObjectTests {
    @Test("a value of any wrong type at any place of any object ends no check")
    func wrongTypes() throws {
        let world = World()
        let texts = [
            world.csiDriver, world.driver, world.daypass, world.daypassPods, world.csiNodes, world.secretClass,
            world.pod,
        ]
        let wrong: [ObjectTree] = [
            .null, .bool(true), .number(-1e300), .number(.nan), .text(""),
            .text("\u{1B}[31m\n" + String(repeating: "x", count: 10_000)),
            .list([]), .list([.list([.null])]), .map([:]), .map(["": .map(["a": .null])]),
        ]
        let good = try texts.flatMap { try KubeObject.read(Array($0.utf8)) }
        let goodFacts = try facts()
        var random = SeededRandom(seed: 5)
        var findings = 0
        for round in 0..<300 {
            var objects: [KubeObject] = []
            for object in good {
                let value = wrong[(round + objects.count) % wrong.count]
                objects.append(KubeObject(spoiled(object.tree, by: value, &random)))
            }
            var facts = goodFacts
            facts.objects.csiDrivers = .known(objects)
            facts.objects.csiNodes = .known(objects)
            facts.objects.daemonSets = .known(objects)
            facts.objects.pods = .known(objects)
            facts.objects.classes = .known(objects)
            facts.objects.syncRoles = .known(objects)
            facts.objects.workloads = objects
            for finding in Checks.run(on: facts) {
                findings += 1
                let line = finding.place + finding.message + finding.fix
                #expect(line.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }, "\(finding.check)")
                #expect(line.utf8.count < 4000, "\(finding.check)")
            }
        }
        #expect(findings > 300 * Checks.all.count)
    }

    @Test("a mistake of ten thousand Pods is told a few times, and counted")
    func many() throws {
        var facts = try facts()
        let pods = try facts.objects.pods.get()
        let build = try #require(pods.first { $0.namespace == "binder" })
        var spoiled = World()
        try spoiled.pod.change("readOnly: true\n        volumeAttributes", "readOnly: false\n        volumeAttributes")
        let bad = try #require(try KubeObject.read(Array(spoiled.pod.utf8)).first)
        facts.objects.pods = .known([build] + Array(repeating: bad, count: 10_000))
        let findings = facts.findings("pod-read-only")
        #expect(findings.count == Check.mostFindings + 1)
        #expect(findings.last?.message == "and \(10_000 - Check.mostFindings) more like these")
    }

    @Test(
        "texts that hold no objects are refused in one line",
        arguments: [
            "", "   \n", "{", "{\"kind\":\"Pod\"", "[]", "[1, 2]", "null", "text", "{}", "kind: Pod", "&a [*a]",
            "\u{0}", "\u{FEFF}{",
            String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000),
            "apiVersion: v1\nkind: [Pod]\n",
        ]
    )
    func noObjects(_ text: String) {
        #expect(throws: ObjectTextProblem.self) { try KubeObject.read(Array(text.utf8)) }
        do throws(ObjectTextProblem) { _ = try KubeObject.read(Array(text.utf8)) } catch {
            #expect(!error.message.isEmpty && !error.message.contains("\n"))
        }
    }

    @Test("bytes that are no UTF-8 are refused")
    func noText() {
        #expect(throws: ObjectTextProblem.self) { try KubeObject.read([0xFF, 0xFE, 0x00]) }
        #expect(throws: ObjectTextProblem.self) { try KubeObject.read([UInt8(ascii: "{"), 0xFF]) }
    }

    @Test("a List, a typed list and several documents are read, and items know their kind")
    func lists() throws {
        let list =
            #"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}},7]}"#
        #expect(try KubeObject.read(Array(list.utf8)).map(\.name) == ["a"])
        let typed = #"{"apiVersion":"v1","kind":"PodList","items":[{"metadata":{"name":"a","namespace":"x"}}]}"#
        let pod = try #require(try KubeObject.read(Array(typed.utf8)).first)
        #expect(pod.kind == "Pod" && pod.key == "x/a" && pod.place == "pod x/a")
        let documents =
            "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\n---\napiVersion: v1\nkind: Pod\nmetadata: { name: b }\n"
        #expect(try KubeObject.read(Array(documents.utf8)).map(\.name) == ["a", "b"])
    }

    @Test("YAML has the types that the API server sees")
    func types() throws {
        let text = "apiVersion: v1\nkind: Pod\na: true\nb: \"true\"\nc: 5\nd: \"5\"\ne: ~\nf: [x]\n"
        let tree = try #require(try KubeObject.read(Array(text.utf8)).first).tree
        #expect(tree["a"]?.bool == true && tree["b"]?.text == "true" && tree["c"]?.integer == 5)
        #expect(tree["d"]?.text == "5" && tree["e"] == nil && tree["f"]?.texts == ["x"])
    }

    /// Puts a value in the place of another one, anywhere.
    private func spoiled(_ tree: ObjectTree, by value: ObjectTree, _ random: inout SeededRandom) -> ObjectTree {
        switch tree {
        case .map(var map) where !map.isEmpty:
            guard let key = map.keys.sorted().randomElement(using: &random), let old = map[key] else { return tree }
            // What an object is stays, mostly, so that the checks look into it.
            if ["kind", "apiVersion"].contains(key) { return tree }
            map[key] = Int.random(in: 0..<6, using: &random) == 0 ? value : spoiled(old, by: value, &random)
            return .map(map)
        case .list(var list) where !list.isEmpty:
            let index = Int.random(in: list.indices, using: &random)
            list[index] = Int.random(in: 0..<6, using: &random) == 0 ? value : spoiled(list[index], by: value, &random)
            return .list(list)
        default: return value
        }
    }
}
