/// How an HTML report is read.
enum HTMLLegend {
    static let text = """
        <details class="legend"><summary>How to read this page</summary>
        <dl>
        <dt><span class="badge pass">pass</span></dt><dd>the rule holds, the run passed</dd>
        <dt><span class="badge fail">fail</span></dt><dd>the rule is broken; at a trace, the reasons for which it failed</dd>
        <dt><span class="badge inconclusive">inconclusive</span></dt><dd>there is too little evidence to say either</dd>
        <dt><svg viewBox="0 0 300 40" role="img" aria-label="a drawing of an interval" class="inconclusive">\
        <line class="neutral" x1="60" x2="60" y1="4" y2="36"/><line class="margin" x1="250" x2="250" y1="4" y2="36"/>\
        <line class="bar" x1="90" x2="210" y1="20" y2="20"/><circle cx="150" cy="20" r="6"/></svg></dt>
        <dd>the effect (dot) and its interval (bar); no difference (dashed line) and the margin (dotted line). A bar that ends before \
        the margin passes, one that lies beyond it fails, one across it is inconclusive</dd>
        <dt class="sign">= ~ + -</dt><dd>tool calls that are the same, changed, only the candidate's, only the baseline's</dd>
        <dt><del>before</del> <ins>after</ins></dt><dd>arguments: the baseline's and the candidate's</dd>
        </dl></details>

        """
}
