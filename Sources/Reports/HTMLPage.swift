/// The fixed parts of an HTML report.
enum HTMLPage {
    /// The hashes are those of ``style`` and ``script``, so that nothing else of either kind works in the page; a test
    /// holds them together.
    static let policy =
        "default-src 'none'; style-src '\(styleHash)'; script-src '\(scriptHash)'; base-uri 'none'; form-action 'none'"
    static let styleHash = "sha256-M/91N2MbmSfMEPeZcCUCCbPDCQfFykptCgQfRQuWd/s="
    static let scriptHash = "sha256-RukhrWXinFCUy464pLDg81NAmrwrSjAct3tk5Lo6+IE="

    static let style = """
        :root{color-scheme:light dark;--bg:#f6f7f9;--panel:#fff;--text:#1b1f24;--dim:#57606a;--line:#d0d7de;--good:#116329;\
        --bad:#b3141d;--warn:#7d4e00;--good-bg:#dafbe1;--bad-bg:#ffe3e1;--warn-bg:#fff3c4;--link:#0550ae}
        @media(prefers-color-scheme:dark){:root{--bg:#0d1117;--panel:#161b22;--text:#e6edf3;--dim:#9aa5b1;--line:#30363d;\
        --good:#56d364;--bad:#ff8b84;--warn:#e3b341;--good-bg:#12331c;--bad-bg:#3f1b1b;--warn-bg:#38290a;--link:#79b8ff}}
        *{box-sizing:border-box}
        body{margin:0 auto;max-width:1200px;padding:1rem;background:var(--bg);color:var(--text);\
        font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
        code,pre{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
        pre{white-space:pre-wrap;margin:.5rem 0 0;padding:.6rem;background:var(--bg);border-radius:6px;max-height:24rem;overflow:auto}
        a{color:var(--link)}h1{font-size:1.4rem;margin:.1rem 0 .8rem}h2{font-size:1.1rem;margin:1.6rem 0 .6rem}
        h3{font-size:.95rem;margin:.9rem 0 .3rem}dl,dd,p{margin:0}.dim{color:var(--dim)}
        header{background:var(--panel);border:1px solid var(--line);border-left:8px solid var(--warn);border-radius:8px;padding:1rem 1.2rem}
        header.pass{border-left-color:var(--good)}header.fail{border-left-color:var(--bad)}header.replay{border-left-color:var(--dim)}
        .verdict{font-weight:700;text-transform:uppercase;letter-spacing:.04em;color:var(--warn)}
        .pass .verdict{color:var(--good)}.fail .verdict{color:var(--bad)}.replay .verdict{color:var(--dim)}
        .arms{display:grid;grid-template-columns:1fr 1fr;gap:.4rem 1.5rem}.arms dt,.totals dt{color:var(--dim);font-size:.85rem}
        .totals{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));gap:.6rem;margin-top:1rem}
        .totals div{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:.6rem .8rem}
        .totals dd{font-size:1.5rem;font-weight:600;line-height:1.2}.good dd{color:var(--good)}.bad dd{color:var(--bad)}
        .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,17rem),1fr));gap:.8rem}
        .card{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:.8rem 1rem}.card h3{margin:0}
        .change{font-size:1.15rem}svg{width:100%;height:auto;display:block;margin:.3rem 0}
        svg line{stroke:var(--dim)}.neutral{stroke-dasharray:4 3}.margin{stroke-dasharray:1 3;stroke-width:2}
        svg .bar{stroke:var(--warn);stroke-width:6;stroke-linecap:round;opacity:.45}svg circle{fill:var(--warn)}
        svg.pass .bar{stroke:var(--good)}svg.pass circle{fill:var(--good)}svg.fail .bar{stroke:var(--bad)}svg.fail circle{fill:var(--bad)}
        .badge{display:inline-block;padding:0 .5em;border-radius:1em;font-size:.82rem;font-weight:600;background:var(--warn-bg);color:var(--warn)}
        .badge.pass,.badge.inconclusive,.words th{white-space:nowrap}.words th{width:1%}
        .digest{display:block;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;user-select:all}.arms>div{min-width:0}.facts{margin-bottom:.6rem}
        .legend{margin-top:1rem}.legend dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1rem;padding:0 0 .6rem}.legend svg{width:7rem;margin:0}
        .badge.pass{background:var(--good-bg);color:var(--good)}.badge.fail{background:var(--bad-bg);color:var(--bad)}
        .scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px;background:var(--panel)}
        table{border-collapse:collapse;width:100%}th,td{padding:.35rem .7rem;text-align:left;vertical-align:top;border-top:1px solid var(--line)}
        thead th{border-top:0;color:var(--dim);font-size:.85rem}tbody th{font-weight:400}.numbers th+th,.numbers td{text-align:right}
        tbody th,td{min-width:6rem}.calls{table-layout:fixed;min-width:36rem}.calls th:first-child{width:10rem}.calls ul{margin:0;padding-left:1.1rem}
        .sign{font:700 1rem ui-monospace,monospace;white-space:pre}
        .added{background:var(--good-bg)}.removed{background:var(--bad-bg)}.changed{background:var(--warn-bg)}
        del{background:var(--bad-bg);color:var(--bad)}ins{background:var(--good-bg);color:var(--good)}.wrong{color:var(--bad);font-weight:600}
        .filter{display:flex;flex-wrap:wrap;gap:.6rem 1rem;align-items:center;margin-bottom:.7rem}
        input,select,button{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--dim);border-radius:6px;padding:.25rem .5rem;max-width:100%}
        .run{background:var(--panel);border:1px solid var(--line);border-radius:8px;margin:.4rem 0;padding:0 1rem}
        .run[open]{padding-bottom:1rem}summary{padding:.55rem 0;cursor:pointer}
        :focus-visible{outline:2px solid var(--link);outline-offset:2px}
        .request{white-space:pre-wrap;border-left:3px solid var(--line);padding-left:.8rem;margin:.2rem 0 .6rem}
        .sides{display:grid;grid-template-columns:1fr 1fr;gap:1rem}.side{border:1px solid var(--line);border-radius:8px;padding:.6rem .9rem;min-width:0}
        .side h3{margin-top:0}.side dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem}.side dt{color:var(--dim)}
        .checks{padding-left:0;list-style:none;margin:.2rem 0}footer{margin-top:2rem;color:var(--dim);font-size:.9rem}[hidden]{display:none}
        @media(max-width:700px){.sides,.arms{grid-template-columns:1fr}.one{display:none}body{padding:.6rem}th,td{padding:.3rem .45rem}\
        .calls{min-width:0}.calls thead{display:none}.calls tr{display:grid;grid-template-columns:1fr 1fr;border-top:1px solid var(--line)}\
        .calls th,.calls td{min-width:0;border-top:0}.calls th:first-child{grid-column:1/-1;width:auto;padding-bottom:0}\
        .legend dl{grid-template-columns:1fr}.words th{white-space:normal}.words .badge{white-space:nowrap}}
        @media print{:root{--bg:#fff}body{max-width:none}.filter{display:none}.scroll,pre{overflow:visible;max-height:none}.run,.card{break-inside:avoid}}
        """

    static let script = """
        (function(){
        var runs=[].slice.call(document.querySelectorAll('.run')),find=document.getElementById('find');
        var reason=document.getElementById('reason'),count=document.getElementById('count'),open=document.getElementById('open');
        function show(){
        var text=find.value.toLowerCase(),want=reason.value,shown=0;
        runs.forEach(function(run){
        var passed=run.getAttribute('data-passed')==='true';
        var fits=want===''||(want==='*'&&!passed)||(want==='-'&&passed)||run.getAttribute('data-reasons').split('\\n').indexOf(want)>=0;
        run.hidden=!(fits&&(text===''||run.textContent.toLowerCase().indexOf(text)>=0));
        if(!run.hidden)shown++;
        });
        count.textContent=shown+' shown';
        }
        find.addEventListener('input',show);reason.addEventListener('change',show);
        document.querySelector('.filter').addEventListener('submit',function(event){event.preventDefault();});
        open.addEventListener('click',function(){
        var closed=runs.some(function(run){return !run.hidden&&!run.open;});
        runs.forEach(function(run){if(!run.hidden)run.open=closed;});
        open.textContent=closed?'Close all':'Open all';
        });
        window.addEventListener('beforeprint',function(){runs.forEach(function(run){run.open=!run.hidden;});});
        })();
        """
}
