// The page that names the others.

/// The page at `/`.
enum IndexPage {
    static func html(_ node: String, _ version: String, _ access: StatusAccess) -> HTML {
        let status: HTML =
            access == .off ? "off" : "what this node does, for people (<a href=\"/status?format=json\">as JSON</a>)"
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>Daypass on \(node)</title>\(PageStyle.element)</head><body>
            <header class="top"><div><p class="brand">Daypass \(version)</p><h1>\(node)</h1></div></header>
            <main><h2>Pages</h2><ul class="list card">
            <li><a href="/status">/status</a> <span class="soft">\(status)</span></li>
            <li><a href="/livez">/livez</a> <span class="soft">whether the daemon lives</span></li>
            <li><a href="/readyz?verbose">/readyz?verbose</a> <span class="soft">whether it can do its work: \
            \(CheckName.allCases.map(\.rawValue).joined(separator: ", "))</span></li>
            <li><a href="/metrics">/metrics</a> <span class="soft">for Prometheus</span></li>
            </ul></main></body></html>

            """
    }
}
