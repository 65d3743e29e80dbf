/// The page's style sheet. Colours of series are those of Okabe and Ito, which people with any
/// colour vision can tell apart, a little darker on white and lighter on black.
enum ReportStyle {
  static let text = """
    :root{--ink:#16202b;--soft:#5b6875;--faint:#e3e8ed;--line:#cdd5dd;--paper:#fff;--card:#f6f8fa;
    --accent:#0b5c9e;--warn:#8a5a00;--warnbg:#fff7e0;--bad:#a3191f;--badbg:#fdecec;--good:#0b6b45;
    --s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#b5498a;--s4:#b98900;--s5:#3a9bd0;--s6:#6a4fb3;
    --s7:#6b7580;color-scheme:light}
    @media (prefers-color-scheme:dark){:root:not([data-theme=light]){\(dark)}}
    :root[data-theme=dark]{\(dark)}

    """ + body

  /// Chosen by the system or by the switch on the page.
  private static let dark = """
    --ink:#e6ebf0;--soft:#9aa7b4;--faint:#26303a;
    --line:#3a4652;--paper:#11171d;--card:#19212a;--accent:#7cc0f5;--warn:#f0c563;--warnbg:#2a2412;
    --bad:#ff9a94;--badbg:#331a1c;--good:#5fd6a4;--s0:#4aa8e0;--s1:#f08a4b;--s2:#35c79b;
    --s3:#dd84b8;--s4:#e6c04a;--s5:#8ad0f5;--s6:#a994ea;--s7:#a3adb7;color-scheme:dark
    """

  private static let body = """
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%}
    body{margin:0;background:var(--paper);color:var(--ink);line-height:1.5;font:16px/1.5 Inter,
    "Source Sans 3","Segoe UI",system-ui,-apple-system,"Helvetica Neue",Arial,sans-serif;
    font-variant-numeric:tabular-nums lining-nums}
    main{max-width:1320px;margin:0 auto;padding:2.5rem clamp(1rem,4vw,3rem) 4rem}
    .theme{float:right;font:inherit;font-size:.82rem;color:var(--ink);background:var(--card);
    border:1px solid var(--line);border-radius:6px;padding:.25rem .7rem;cursor:pointer}
    header{border-bottom:2px solid var(--ink);padding-bottom:1rem}
    .kicker{margin:0;font-size:.78rem;letter-spacing:.1em;text-transform:uppercase;
    color:var(--accent);font-weight:600}
    h1{margin:.1rem 0 .3rem;font-size:clamp(1.7rem,5vw,2.6rem);line-height:1.15;font-weight:650;
    letter-spacing:-.02em;overflow-wrap:anywhere}
    h2{margin:0 0 .9rem;font-size:1.22rem;font-weight:650;letter-spacing:-.01em}
    .facts{margin:0;color:var(--soft);display:flex;flex-wrap:wrap;gap:.1rem 1.4rem;font-size:.95rem}
    section{margin-top:2.6rem}
    .unit,.note{color:var(--soft);font-weight:400}
    .note{font-size:.86rem;margin:.6rem 0 0}
    h2+.note{margin:-.6rem 0 1rem}
    .cards{display:grid;gap:.8rem;
    grid-template-columns:repeat(auto-fit,minmax(min(100%,148px),1fr))}
    .card{background:var(--card);border-radius:8px;padding:.9rem 1rem}
    .card p{margin:0}
    .what{font-size:.86rem;color:var(--soft)}
    .number{font-size:1.32rem;font-weight:620;letter-spacing:-.01em;line-height:1.35}
    .number .unit{font-size:.88rem}
    .pm{display:block;font-size:.84em;color:var(--soft);font-weight:400;letter-spacing:0}
    .number .pm{font-size:.95rem}
    .card .note{font-size:.82rem;margin-top:.2rem;overflow-wrap:anywhere}
    .scroll{overflow-x:auto}
    .scroll tbody th:first-child,.scroll thead th:first-child{position:sticky;left:0;
    background:var(--paper);min-width:4.2rem;max-width:46vw;white-space:normal;
    overflow-wrap:break-word}
    .alert .scroll th:first-child{position:static;background:none}
    td.words{min-width:18rem}
    .sentences .note{font-size:.84rem}
    .in{color:var(--good)}.out{color:var(--bad);font-weight:620}
    .verdict{font-size:1.1rem;font-weight:620;margin:1.4rem 0 0}
    table{border-collapse:collapse;font-size:.92rem;min-width:100%}
    th,td{padding:.42rem .9rem .42rem 0;text-align:left;vertical-align:baseline}
    th:last-child,td:last-child{padding-right:0}
    thead th{border-bottom:1.5px solid var(--ink);font-weight:620;vertical-align:bottom;
    line-height:1.3;white-space:nowrap}
    tbody th{font-weight:500;white-space:nowrap}
    .n .pm{line-height:1.25}
    tbody tr+tr>*{border-top:1px solid var(--faint)}
    .n{text-align:right;white-space:nowrap}
    .figures{display:grid;gap:2rem 2.4rem;
    grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr))}
    figure{margin:0;min-width:0}
    figure svg{display:block;width:100%;height:auto;max-width:520px;overflow:visible}
    figcaption{margin-bottom:.5rem;font-size:.95rem;overflow-wrap:anywhere}
    figcaption strong{font-weight:620}
    .legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 1rem;margin:0 0 .4rem;padding:0;
    font-size:.84rem}
    .legend li{display:flex;align-items:center;gap:.35rem;overflow-wrap:anywhere}
    .legend svg{width:12px;flex:none}
    svg text{font-size:11px;fill:var(--ink)}
    svg .tick,svg .title{fill:var(--soft);font-size:10.5px}
    svg .value{font-weight:600}
    svg .halo{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
    svg .grid{stroke:var(--faint);stroke-width:1}
    svg .axis{stroke:var(--soft);stroke-width:1}
    svg .track{stroke:var(--line);stroke-width:1}
    svg .error{stroke:var(--ink);stroke-width:1.3}
    svg .m,svg .bar{fill:var(--c)}
    svg .bar{opacity:.8}
    svg .band{fill:var(--c);opacity:.24}
    svg .curve{fill:none;stroke:var(--c);stroke-width:1.8;stroke-linejoin:round}
    svg .stroke{stroke:var(--c);stroke-width:1.4}
    svg .stroke.thin{stroke-width:.8;opacity:.7}
    svg .curve.thin{stroke-width:1;opacity:.7}
    svg .dashed{stroke-dasharray:5 3}
    svg .open{fill:var(--paper);stroke:var(--c);stroke-width:1.3}
    svg .cellback{fill:var(--card)}
    svg .heat{fill:var(--s0)}
    svg .fault{fill:var(--bad);opacity:.1}
    svg .strike{stroke:var(--bad);stroke-width:1;stroke-dasharray:3 2}
    svg .letter{fill:var(--bad);font-size:10px;font-weight:650}
    svg .knee{fill:none;stroke:var(--bad);stroke-width:1.6}
    svg .one{stroke:var(--ink);stroke-width:1;stroke-dasharray:4 3}
    svg .pointer{stroke:var(--soft);stroke-width:1}
    svg .name{font-size:14px;font-weight:650}
    svg .column{font-size:12px;font-weight:620}
    .c0{--c:var(--s0)}.c1{--c:var(--s1)}.c2{--c:var(--s2)}.c3{--c:var(--s3)}.c4{--c:var(--s4)}
    .c5{--c:var(--s5)}.c6{--c:var(--s6)}.c7{--c:var(--s7)}
    .alert{background:var(--warnbg);border-left:4px solid var(--warn);border-radius:0 8px 8px 0;
    padding:1rem 1.2rem;margin-top:1.6rem}
    .alert h2{color:var(--warn);margin-bottom:.4rem;font-size:1.05rem}
    .alert.bad{background:var(--badbg);border-color:var(--bad)}
    .alert.bad h2{color:var(--bad)}
    .alert ul{margin:0;padding-left:1.2rem}
    pre{background:var(--card);border-radius:8px;padding:.8rem 1rem;overflow-x:auto;margin:.6rem 0;
    font:.86rem/1.5 ui-monospace,"JetBrains Mono","SF Mono",Menlo,Consolas,monospace}
    dl{display:grid;grid-template-columns:max-content minmax(0,1fr);
    gap:.2rem 1.2rem;font-size:.92rem}
    dt{color:var(--soft)}
    dd{margin:0;overflow-wrap:anywhere}
    summary{cursor:pointer;color:var(--accent)}
    details .scroll{margin-top:.8rem}
    a{color:var(--accent);text-underline-offset:.15em}
    .files a{margin-right:.6rem;display:inline-block}
    .faults{margin:0 0 1rem;padding:0;list-style:none;font-size:.9rem}
    .faults b{color:var(--bad);margin-right:.4rem}
    .sentences{padding-left:1.2rem;margin:0}
    .sentences li{margin:.35rem 0;overflow-wrap:anywhere}
    .tip{position:fixed;z-index:2;pointer-events:none;background:var(--ink);color:var(--paper);
    font-size:.8rem;line-height:1.35;padding:.3rem .55rem;border-radius:5px;white-space:pre-line;
    max-width:min(22rem,80vw)}
    .gone{display:none}
    .legend li[role=button],th[role=button]{cursor:pointer}
    .legend li[aria-pressed=false]{color:var(--soft);text-decoration:line-through}
    .legend li[aria-pressed=false] svg{opacity:.3}
    th[aria-sort=ascending]::after{content:" ↑"}
    th[aria-sort=descending]::after{content:" ↓"}
    :focus-visible{outline:2px solid var(--accent);outline-offset:2px}
    @media print{.theme{display:none}
    body{font-size:12px}main{padding:0;max-width:none}figure,tr{break-inside:avoid}}
    """
}
