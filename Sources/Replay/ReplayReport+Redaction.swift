public import RunSpans

extension ReplayReport {
    /// Takes secrets out of all sentences: notes, findings, and what went wrong. They may quote what agents and evaluators
    /// said, as ``RunDetail`` does, which is redacted when it is made.
    ///
    /// To be called once all is said, so that nothing that is said has to think of it.
    public mutating func redact(by redactor: TextRedactor) {
        func redacted(_ text: String) -> String { redactor.shown(text, limit: TextRedactor.maximumLookedAt) }
        notes = notes.map(redacted)
        partial = partial.map(redacted)
        tally.unscored = tally.unscored.mapValues { unscored in
            var unscored = unscored
            unscored.example = redacted(unscored.example)
            return unscored
        }
        if let problem = export?.problem { export?.problem = redacted(problem) }
        guard var gate else { return }
        for i in gate.findings.indices { gate.findings[i].message = redacted(gate.findings[i].message) }
        self.gate = gate
    }
}
