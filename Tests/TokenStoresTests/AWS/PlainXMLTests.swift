// The little XML reader: what answers hold, and what it does not take.

import Testing

@testable import TokenStores

@Suite struct PlainXMLTests {
    private func parse(_ text: String) -> PlainXML? { PlainXML.parse(Array(text.utf8)) }

    @Test func readsAnAnswer() throws {
        let root = try #require(
            parse(
                """
                <?xml version="1.0" encoding="UTF-8"?>
                <R xmlns="https://sts.amazonaws.com/doc/" a='/>'>
                  <Empty/><Also b="1"></Also >
                  <x:In><Deep>1 &lt; 2 &amp;&#65;&#x42;&quot;&apos;&gt;</Deep></x:In>
                </R>

                """
            )
        )
        #expect(root.name == "R")
        #expect(root.text("In", "Deep") == "1 < 2 &AB\"'>")
        #expect(root.text("Empty") == "")
        #expect(root.text("Also") == "")
        #expect(root.text("In", "Other") == nil)
        #expect(root.first("Deep")?.text.hasPrefix("1") == true)
        #expect(root.first("R")?.children.count == 3)
    }

    @Test(arguments: [
        "", " ", "text", "<a>", "<a></b>", "<a><b></a></b>", "<a/><b/>", "<a/>text", "<a", "<a b", "<a b=\"", "</a>",
        "<a>&unknown;</a>", "<a>&#xFFFFFFFF;</a>", "<a>&#xD800;</a>", "<a>&</a>", "<a>&lt</a>", "<a/ >", "< a/>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<a><!-- c --></a>", "<a><![CDATA[x]]></a>", "<a><?p?></a>",
        "<?xml version=\"1.0\"><a/>", "<a b=\"<\"/>", "<a <b/></a>", "{\"a\":1}",
    ])
    func refuses(text: String) { #expect(parse(text) == nil) }

    @Test func isNotDeep() {
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        }
        #expect(parse(nested(16)) != nil)
        #expect(parse(nested(17)) == nil)
        #expect(parse(String(repeating: "<a>", count: 100_000)) == nil)
    }
}
