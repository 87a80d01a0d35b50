// The look of the pages: one style, light and dark, wide and narrow.

/// The style of the pages.
enum PageStyle {
    /// Its element. The element's text is exactly ``css``: the policy of the page holds its digest.
    static var element: HTML { HTML.style(css) }

    static let css = """
        :root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--ink:#1b2026;--soft:#57606a;--line:#dfe3e8;
        --ok:#14652f;--ok-bg:#dcf3e3;--warn:#7a4a00;--warn-bg:#fdeecb;--bad:#a3151c;--bad-bg:#fde2e2;
        --calm:#3a4654;--calm-bg:#e9edf2;--link:#0b57b0}
        @media(prefers-color-scheme:dark){:root{--page:#101418;--card:#191f26;--ink:#e8ecf1;--soft:#a3adb8;--line:#2d353f;
        --ok:#86e0a3;--ok-bg:#12361f;--warn:#f5cd7a;--warn-bg:#3d2c07;--bad:#ffb0b0;--bad-bg:#47171a;
        --calm:#c3ccd6;--calm-bg:#2a323c;--link:#8cc0ff}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
        "Noto Sans","DejaVu Sans",sans-serif;overflow-wrap:break-word}
        a{color:var(--link)}
        main,.top>div,footer{max-width:1180px;margin:0 auto;padding:0 20px}
        .top{background:var(--card);border-bottom:1px solid var(--line);padding:18px 0 16px}
        .brand{margin:0;color:var(--soft);font-size:13px}
        h1{margin:0 0 10px;font-size:24px;line-height:1.3;display:flex;flex-wrap:wrap;gap:4px 12px;align-items:center}
        h2{font-size:17px;margin:30px 0 10px}
        h2 small{font-weight:400;font-size:13px;color:var(--soft);margin-left:6px}
        p{margin:6px 0}
        .soft{color:var(--soft)}
        .note{font-size:13px;color:var(--soft)}
        code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.9em;
        overflow-wrap:anywhere}
        .facts{display:flex;flex-wrap:wrap;gap:8px 32px;margin:0}
        .facts div{min-width:0}
        .facts dt,.tiles dt{color:var(--soft);font-size:13px}
        .facts dd,.tiles dd{margin:0}
        .tag{display:inline-block;border-radius:999px;padding:1px 10px;font-size:13px;font-weight:600;
        background:var(--calm-bg);color:var(--calm);white-space:nowrap}
        .tag.ok{background:var(--ok-bg);color:var(--ok)}
        .tag.warn{background:var(--warn-bg);color:var(--warn)}
        .tag.bad{background:var(--bad-bg);color:var(--bad)}
        .card,.tiles div{background:var(--card);border:1px solid var(--line);border-radius:8px}
        .list{list-style:none;margin:0;padding:0}
        .list li{padding:9px 14px;border-top:1px solid var(--line)}
        .list li:first-child{border-top:0}
        .list .head{display:flex;flex-wrap:wrap;gap:2px 10px;align-items:baseline}
        .list .head time,.list .head .end{margin-left:auto;color:var(--soft);font-size:13px}
        .list p,.list .soft{overflow-wrap:anywhere}
        .list p{margin:2px 0 0}
        .checks .head strong{min-width:122px}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:10px;margin:20px 0 0}
        .tiles div{padding:9px 14px}
        .tiles dd{font-size:22px;line-height:1.3;font-variant-numeric:tabular-nums}
        .tiles dd.note{font-size:13px}
        .tiles .bad dd{color:var(--bad)}
        .tiles .warn dd{color:var(--warn)}
        .wide{display:grid;grid-template-columns:1fr 1fr;gap:0 24px}
        .wide>section{min-width:0}
        table{width:100%;border-spacing:0;font-variant-numeric:tabular-nums}
        th,td{text-align:left;vertical-align:top;padding:8px 14px;border-top:1px solid var(--line)}
        thead th{border-top:0;font-size:13px;font-weight:600;color:var(--soft);white-space:nowrap}
        tbody th{font-weight:600;width:24%;min-width:150px;overflow-wrap:anywhere}
        td.long{overflow-wrap:anywhere;min-width:150px}
        tbody th span{font-weight:400}
        td.near{white-space:nowrap}
        footer{padding-top:8px;padding-bottom:36px;margin-top:26px;color:var(--soft);font-size:13px}
        @media(max-width:860px){.wide{grid-template-columns:1fr}}
        @media(max-width:720px){main,.top>div,footer{padding-left:14px;padding-right:14px}
        .facts{gap:6px 24px}
        table,tbody,tr,th,td{display:block}
        thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
        tbody tr{display:grid;grid-template-columns:1fr 1fr 1fr;gap:3px 12px;padding:11px 14px;
        border-top:1px solid var(--line)}
        tbody tr:first-child{border-top:0}
        tbody th,tbody td{border:0;padding:0;width:auto;min-width:0;grid-column:1/-1}
        .list .head time,.list .head .end{margin-left:0}
        td[data-label]{display:grid;grid-template-columns:56px 1fr;gap:8px}
        td[data-label]::before{content:attr(data-label);color:var(--soft);font-size:13px;padding-top:1px}
        td.near[data-label]{grid-column:auto;display:block}
        td.near[data-label]::before{display:block}}
        """
}

extension HTML {
    fileprivate static func style(_ css: String) -> HTML {
        // The one text that is not escaped. It is a constant of this file, and holds no "<".
        HTML(unescaped: "<style>\(css)</style>")
    }
}
