/// The page of a report: structure here, numbers from `ReportPage`.
///
/// No script, no address, nothing to load: the policy in its head forbids what its text does not have.
enum ReportPageTemplate {
    static let text = #"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
        <meta name="referrer" content="no-referrer">
        <meta name="color-scheme" content="light dark">
        <title>{{title}}: {{verdict}}</title>
        <style>{{{style}}}</style>
        </head>
        <body>
        <header class="{{tone}}">
        <h1>{{verdict}}</h1>
        {{#next}}<p>Next: <code>{{.}}</code></p>{{/next}}
        </header>
        <main>
        <dl>
        {{#facts}}<div><dt>{{name}}</dt><dd>{{value}}</dd></div>
        {{/facts}}
        </dl>
        <section aria-labelledby="changes">
        <h2 id="changes">What was done</h2>
        <div class="scroll" role="region" aria-labelledby="changes" tabindex="0"><table>
        <thead><tr><th scope="col">Change</th><th scope="col">Planned</th><th scope="col">Made</th><th scope="col">Already so</th><th scope="col">Rejected</th><th scope="col">Failed</th><th scope="col">Skipped</th><th scope="col">Pending</th></tr></thead>
        <tbody>
        {{#changes}}<tr><th scope="row">{{kind}}</th><td>{{planned}}</td><td>{{made}}</td><td>{{already}}</td><td>{{rejected}}</td><td>{{failed}}</td><td>{{skipped}}</td><td>{{pending}}</td></tr>
        {{/changes}}
        </tbody></table></div>
        {{#plan}}<p>{{kept}} associations were already as wanted; {{unmanaged}} exist outside the scope of deletes. Current associations from: {{current}} ({{reason}}).</p>{{/plan}}
        </section>
        <section aria-labelledby="exports">
        <h2 id="exports">Exports</h2>
        <div class="scroll" role="region" aria-labelledby="exports" tabindex="0"><table>
        <thead><tr><th scope="col">Export</th><th scope="col" class="text">Format</th><th scope="col">Records</th><th scope="col">Accepted</th><th scope="col">Duplicates</th><th scope="col">Rejected</th></tr></thead>
        <tbody>
        {{#exports}}<tr><th scope="row" class="path">{{path}}</th><td class="text">{{format}}</td><td>{{records}}</td><td>{{accepted}}</td><td>{{duplicates}}</td><td>{{rejected}}</td></tr>
        <tr class="digest"><td colspan="6">SHA-256 {{sha256}}</td></tr>
        {{/exports}}
        </tbody></table></div>
        </section>
        {{#hasObjectives}}<section aria-labelledby="objectives">
        <h2 id="objectives">Objectives</h2>
        <div class="scroll" role="region" aria-labelledby="objectives" tabindex="0"><table>
        <thead><tr><th scope="col">Objective</th><th scope="col">Measured</th><th scope="col">Result</th><th scope="col">First seen crossed</th></tr></thead>
        <tbody>
        {{#objectives}}<tr><th scope="row">{{objective}}</th><td>{{measured}}</td><td class="{{tone}}">{{result}}</td><td>{{when}}</td></tr>
        {{/objectives}}
        </tbody></table></div>
        </section>
        {{/hasObjectives}}<section aria-labelledby="latency">
        <h2 id="latency">Latency</h2>
        <p>Service: from the request being sent to the answer being read, each attempt. Response: from when the call was due to its final answer, waiting and repetitions included.</p>
        <div class="scroll" role="region" aria-labelledby="latency" tabindex="0"><table>
        <thead><tr><th scope="col">Operation</th><th scope="col" class="text">Clock</th><th scope="col">Count</th><th scope="col">p50</th><th scope="col">p75</th><th scope="col">p90</th><th scope="col">p95</th><th scope="col">p99</th><th scope="col">p99.9</th><th scope="col">p99.99</th><th scope="col">max</th></tr></thead>
        <tbody>
        {{#latency}}<tr><th scope="row">{{operation}}</th><td class="text">{{clock}}</td><td>{{count}}</td>{{#values}}<td>{{.}}</td>{{/values}}</tr>
        {{/latency}}
        </tbody></table></div>
        {{#plots}}<figure id="plot-{{id}}">
        <figcaption>{{title}}</figcaption>
        {{{wide}}}
        {{{narrow}}}
        <ul class="legend">{{#legend}}<li><svg width="28" height="10" aria-hidden="true"><path class="line {{class}}" d="M1 5H27"/></svg> {{name}}</li>{{/legend}}{{#marks}}<li><svg width="14" height="10" aria-hidden="true"><rect class="limited" x="0" y="0" width="14" height="10"/></svg> answers 429</li><li><svg width="14" height="10" aria-hidden="true"><rect class="pause" x="0" y="0" width="14" height="10"/></svg> paused</li>{{/marks}}</ul>
        <p>{{description}}</p>
        </figure>
        {{/plots}}
        </section>
        <section aria-labelledby="failures">
        <h2 id="failures">Changes that did not succeed</h2>
        {{^failures}}<p>None.</p>{{/failures}}
        {{#failures}}<h3>{{count}} × {{reason}}</h3>
        <div class="scroll" role="region" aria-label="Examples" tabindex="0"><table>
        <thead><tr><th scope="col">Change</th><th scope="col" class="text">Cart</th><th scope="col" class="text">Message</th><th scope="col">Status</th><th scope="col">Line</th><th scope="col" class="text">Export</th></tr></thead>
        <tbody>
        {{#examples}}<tr><th scope="row">{{kind}}</th><td class="text id">{{cart}}</td><td class="text message">{{message}}</td><td>{{status}}</td><td>{{line}}</td><td class="text path">{{export}}</td></tr>
        {{/examples}}
        </tbody></table></div>
        {{/failures}}
        </section>
        <section aria-labelledby="rejected">
        <h2 id="rejected">Rejected records</h2>
        {{^rejected}}<p>None.</p>{{/rejected}}
        {{#rejected}}<p>{{count}} could not be used{{#file}}; all are in <code>{{.}}</code>, to be mended and imported{{/file}}.</p>
        <div class="scroll" role="region" aria-labelledby="rejected" tabindex="0"><table>
        <thead><tr><th scope="col">Line</th><th scope="col" class="text">Reason</th><th scope="col" class="text">Export</th></tr></thead>
        <tbody>
        {{#examples}}<tr><th scope="row">{{line}}</th><td class="text message">{{reason}}</td><td class="text path">{{export}}</td></tr>
        {{/examples}}
        </tbody></table></div>
        {{/rejected}}
        </section>
        <section aria-labelledby="settings">
        <h2 id="settings">Settings</h2>
        <p>Those that are not listed have their defaults.</p>
        <div class="scroll" role="region" aria-labelledby="settings" tabindex="0"><table>
        <thead><tr><th scope="col">Setting</th><th scope="col" class="text">Value</th><th scope="col" class="text">From</th></tr></thead>
        <tbody>
        {{#settings}}<tr><th scope="row">{{name}}</th><td class="text message">{{value}}</td><td class="text">{{origin}}</td></tr>
        {{/settings}}
        </tbody></table></div>
        </section>
        </main>
        <footer><p>Every number is from report.json beside this page (schema {{schema}}); one line a change is in results.csv, the histograms are in latency.hlog.</p></footer>
        </body>
        </html>

        """#

    /// Line colours are Okabe and Ito's, which people who see few colours can tell apart.
    static let style = """
        :root{--ink:#1b1f24;--soft:#57606a;--ground:#fff;--edge:#d0d7de;--good:#116329;--warning:#7d4e00;--bad:#b3181e;\
        --c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#8a5a8f;--c4:#8a7300;--band:#d55e0026;--mark:#d55e00}
        @media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4ae;--ground:#0d1117;--edge:#30363d;\
        --good:#56d364;--warning:#e3b341;--bad:#ff7b72;--c0:#56b4e9;--c1:#ff9d57;--c2:#2fcf9f;--c3:#dfa0d2;--c4:#f0e442;\
        --band:#ff9d5733;--mark:#ff9d57}}
        *{box-sizing:border-box}
        body{margin:0 auto;max-width:60rem;padding:1.25rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);\
        background:var(--ground)}
        header{border-left:.4rem solid;padding:.25rem 0 .25rem 1rem;margin-bottom:1.5rem}
        header.good{border-color:var(--good)}header.warning{border-color:var(--warning)}\
        header.bad{border-color:var(--bad)}
        h1{font-size:1.5rem;line-height:1.3;margin:0;overflow-wrap:anywhere}
        .good h1{color:var(--good)}.warning h1{color:var(--warning)}.bad h1{color:var(--bad)}
        header p{margin:.5rem 0 0}
        h2{font-size:1.2rem;margin:2.25rem 0 .5rem}h3{font-size:1rem;margin:1.25rem 0 .5rem;overflow-wrap:anywhere}
        dl{margin:0;display:grid;gap:.25rem}
        dl div{display:grid;grid-template-columns:6rem 1fr}
        dt,figcaption,.digest,footer,thead th{color:var(--soft)}
        dd{margin:0;overflow-wrap:anywhere}
        .scroll{overflow-x:auto}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
        th,td{padding:.3rem .6rem .3rem 0;text-align:right;white-space:nowrap;border-bottom:1px solid var(--edge)}
        th:first-child,.text,.digest td{text-align:left}
        td.text{padding-left:.6rem}th.text{padding-left:.6rem}
        th{font-weight:600}thead th{font-weight:400}
        .digest td{font-size:.75rem;white-space:normal;overflow-wrap:anywhere}
        .message{white-space:normal;overflow-wrap:anywhere;min-width:14rem}
        .path{white-space:normal;overflow-wrap:anywhere;min-width:9rem}
        .id{max-width:14rem;white-space:normal;overflow-wrap:anywhere;min-width:6rem}
        td.good{color:var(--good)}td.bad{color:var(--bad);font-weight:600}
        tbody tr{vertical-align:top}
        code{font-size:.9em;overflow-wrap:anywhere}
        figure{margin:1.75rem 0}figcaption{font-weight:600;margin-bottom:.25rem}
        figure p{margin:.25rem 0;color:var(--soft);font-size:.9rem}
        svg.plot{width:100%;height:auto;display:block}
        svg.narrow{display:none}
        .grid{stroke:var(--edge);stroke-width:1}
        .axis{fill:var(--soft);font-size:12px}.end{text-anchor:end}.middle{text-anchor:middle}
        .line{fill:none;stroke-width:2;stroke-linejoin:round}.dashed{stroke-dasharray:5 4;stroke-width:1.5}
        .c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}.c4{stroke:var(--c4)}
        .dot{fill:var(--ground);stroke-width:2}
        .pause{fill:var(--band)}.limited{fill:var(--mark)}
        .legend{list-style:none;margin:.25rem 0;padding:0;display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;\
        font-size:.9rem}
        .legend svg{vertical-align:middle}
        footer{margin-top:2.5rem;font-size:.85rem}
        @media (max-width:38rem){svg.wide{display:none}svg.narrow{display:block}body{padding:1rem}h1{font-size:1.25rem}\
        dl div{grid-template-columns:4.5rem 1fr}table{font-size:.875rem}.message{min-width:11rem}}
        @media print{:root{--ink:#000;--soft:#444;--ground:#fff;--edge:#bbb;--good:#116329;--warning:#7d4e00;\
        --bad:#b3181e;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#8a5a8f;--c4:#8a7300;--band:#d55e0026;--mark:#d55e00}\
        body{max-width:none;padding:0;font-size:10pt}svg.wide{display:block}svg.narrow{display:none}\
        figure,tr{break-inside:avoid}h2,h3,h2+p{break-after:avoid}.scroll{overflow:visible}}
        """
}
