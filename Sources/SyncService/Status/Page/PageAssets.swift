/// The files of the page. They are part of the program, so that one binary is all there is to install; nothing is
/// loaded from elsewhere.
enum PageAssets {
    static let page = #"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>cartsync</title>
        <link rel="icon" href="/icon.svg">
        <link rel="stylesheet" href="/page.css">
        <script src="/page.js" defer></script>
        </head>
        <body>
        <header id="head">
        <h1 id="headline" role="status">Connecting</h1>
        <p id="subline"></p>
        </header>
        <noscript><p class="notice">This page needs JavaScript to follow the service; the same is at <a href="/api/service">/api/service</a> and <a href="/api/runs">/api/runs</a>, and <code>cartsync runs approve</code> approves.</p></noscript>
        <p id="lost" class="notice" role="alert" hidden></p>
        <main>
        <section id="now" aria-labelledby="now-title" hidden>
        <h2 id="now-title">Now</h2>
        <div class="bar"><progress id="progress" aria-label="Changes done"></progress><span id="share"></span></div>
        <dl id="facts"></dl>
        <figure>
        <figcaption>Response time, the run so far</figcaption>
        <div id="plot"></div>
        <ul class="legend"><li><svg width="28" height="10" aria-hidden="true"><path class="line c0" d="M1 5H27"/></svg> p50</li><li><svg width="28" height="10" aria-hidden="true"><path class="line c1" d="M1 5H27"/></svg> p99</li></ul>
        </figure>
        <p id="stopping"><button type="button" id="stop">Stop this run</button> Calls in flight finish; the run waits below until somebody lets it go on.</p>
        </section>
        <section id="waiting" aria-labelledby="waiting-title" hidden>
        <h2 id="waiting-title">Waiting for a person</h2>
        <div id="waiting-runs"></div>
        </section>
        <form id="key" hidden>
        <label for="token">Token of <code>http.approval-token</code>, to approve and to stop</label>
        <input id="token" type="password" autocomplete="off" spellcheck="false" autocapitalize="off">
        <p class="soft">It stays in this page until you leave it.</p>
        </form>
        <p id="answer" role="alert" hidden></p>
        <section aria-labelledby="jobs-title">
        <h2 id="jobs-title">Sources</h2>
        <div class="scroll" role="region" aria-labelledby="jobs-title" tabindex="0"><table>
        <thead><tr><th scope="col">Job</th><th scope="col">Next look</th><th scope="col">Exports waiting</th></tr></thead>
        <tbody id="jobs"></tbody></table></div>
        </section>
        <section aria-labelledby="runs-title">
        <h2 id="runs-title">Last runs</h2>
        <div class="scroll" role="region" aria-labelledby="runs-title" tabindex="0"><table>
        <thead><tr><th scope="col">Run</th><th scope="col" class="text">State</th><th scope="col">Creates</th><th scope="col">Deletes</th></tr></thead>
        <tbody id="runs"></tbody></table></div>
        <p id="none" hidden>No runs yet.</p>
        <p><button type="button" id="older" hidden>Older runs</button></p>
        </section>
        </main>
        <footer><p><span id="version">cartsync</span> · <a href="/metrics">metrics</a> · <a href="/readyz">readiness</a> · <a href="/api/openapi.yaml">the API of this page</a></p></footer>
        </body>
        </html>

        """#

    static let icon = #"""
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#0072b2"/><path d="M6 8h4l3 12h10l3-8H12" fill="none" stroke="#fff" stroke-width="2.5" stroke-linejoin="round" stroke-linecap="round"/><circle cx="14" cy="25" r="2" fill="#fff"/><circle cx="22" cy="25" r="2" fill="#fff"/></svg>

        """#

    /// The colours are those of a run's report.
    static let style = """
        :root{--ink:#1b1f24;--soft:#57606a;--ground:#fff;--edge:#d0d7de;--good:#116329;--warning:#7d4e00;--bad:#b3181e;\
        --c0:#0072b2;--c1:#d55e00;--link:#0550ae}
        @media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4ae;--ground:#0d1117;--edge:#30363d;\
        --good:#56d364;--warning:#e3b341;--bad:#ff7b72;--c0:#56b4e9;--c1:#ff9d57;--link:#79c0ff}}
        *{box-sizing:border-box}
        [hidden]{display:none!important}
        body{margin:0 auto;max-width:60rem;padding:1.25rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);\
        background:var(--ground)}
        header{border-left:.4rem solid;padding:.25rem 0 .25rem 1rem;margin-bottom:1.5rem}
        h1{font-size:1.5rem;line-height:1.3;margin:0;overflow-wrap:anywhere}
        .good h1{color:var(--good)}.warning h1{color:var(--warning)}.bad h1{color:var(--bad)}
        header.good{border-color:var(--good)}header.warning{border-color:var(--warning)}header.bad{border-color:var(--bad)}
        header p{margin:.5rem 0 0}
        a{color:var(--link)}
        h2{font-size:1.2rem;margin:2.25rem 0 .5rem}h3{font-size:1rem;margin:1.25rem 0 .5rem;overflow-wrap:anywhere}
        dl{margin:0;display:grid;gap:.25rem}
        dl div{display:grid;grid-template-columns:8rem 1fr}
        dt,figcaption,footer,thead th,.soft{color:var(--soft)}
        dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
        .scroll{overflow-x:auto}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
        th,td{padding:.3rem .6rem .3rem 0;text-align:right;white-space:nowrap;border-bottom:1px solid var(--edge)}
        th:first-child,.text{text-align:left}
        td.text,th.text{padding-left:.6rem}
        th{font-weight:600}thead th{font-weight:400}
        tbody th{white-space:normal;overflow-wrap:anywhere;width:100%;min-width:11rem}
        td.good,small.good{color:var(--good)}td.warning{color:var(--warning)}
        td.bad,small.bad{color:var(--bad);font-weight:600}
        tbody tr{vertical-align:top}
        tbody th small{display:block;font-size:.85rem;font-weight:400}tbody th small.soft{color:var(--soft)}
        code{font-size:.9em;overflow-wrap:anywhere}
        .bar{display:flex;align-items:center;gap:.75rem;margin-bottom:.75rem;font-variant-numeric:tabular-nums}
        progress{flex:1;min-width:6rem;height:1rem;accent-color:var(--c0)}
        figure{margin:1.5rem 0}figcaption{font-weight:600;margin-bottom:.25rem}
        svg.plot{display:block;width:100%;height:auto}
        .grid{stroke:var(--edge);stroke-width:1}
        .axis{fill:var(--soft);font-size:12px}
        .line{fill:none;stroke-width:2;stroke-linejoin:round}.c0{stroke:var(--c0)}.c1{stroke:var(--c1)}
        .legend{list-style:none;margin:.25rem 0;padding:0;display:flex;gap:1.25rem;font-size:.9rem}
        .legend svg{vertical-align:middle}
        article,form#key{border:1px solid var(--edge);border-radius:.4rem;padding:.25rem 1rem 1rem;margin:.75rem 0}
        form#key{padding-top:.75rem}form p{margin:.25rem 0 0}
        form.approve{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin-top:1rem}
        input,button{font:inherit;color:var(--ink);background:var(--ground);border:1px solid var(--soft);\
        border-radius:.3rem;padding:.4rem .7rem;min-height:2.5rem}
        input[type=number]{width:8rem}#token{display:block;width:100%;max-width:30rem;margin-top:.25rem}
        button{cursor:pointer;font-weight:600}button:disabled{cursor:default;color:var(--soft);border-color:var(--edge)}
        :focus-visible{outline:3px solid var(--c0);outline-offset:2px}
        .notice{border:1px solid;border-radius:.4rem;padding:.6rem 1rem;color:var(--warning)}
        #answer{font-weight:600}#answer.good{color:var(--good)}#answer.bad{color:var(--bad)}
        .plain{margin:.25rem 0;padding-left:1.2rem}
        footer{margin-top:2.5rem;font-size:.85rem}
        @media (max-width:38rem){body{padding:1rem}h1{font-size:1.25rem}dl div{grid-template-columns:6.5rem 1fr}\
        table{font-size:.875rem}th,td{padding-right:.4rem}td.text,th.text{padding-left:.2rem}}

        """
}
