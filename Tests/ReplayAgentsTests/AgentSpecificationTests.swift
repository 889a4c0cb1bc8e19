import Testing

@testable import ReplayAgents

struct AgentSpecificationTests {
    @Test(arguments: [
        ("recorded", "recorded"), ("recorded:a b.jsonl", "recorded:a b.jsonl"), ("http://localhost:80/x", "http://localhost:80/x"),
        ("https://me:secret@example.com/v1?key=secret#f", "https://example.com/v1?…"), ("http://[::1]:8080", "http://[::1]:8080"),
        ("exec:python agent.py --port 1", "exec:python agent.py --port 1"), ("exec:API_KEY=secret ./a --token=secret", "exec:API_KEY=… ./a --token=…"),
        ("exec:printf '\u{1B}[2J'", #"exec:printf '\u{1B}[2J'"#),
    ])
    func isShownWithoutSecrets(_ text: String, _ name: String) throws {
        #expect(try AgentSpecification(parsing: text).displayName == name)
    }

    @Test func credentialsGoIntoAHeader() throws {
        let url = try AgentURL(parsing: "https://me:p%40ss@example.com/v1?a=b#f")
        #expect(url.url == "https://example.com/v1?a=b")
        #expect(url.authorization == "Basic bWU6cEBzcw==")
        #expect(try AgentURL(parsing: "http://example.com").path == "/")
    }

    @Test func chatCompletionsAreKnownByTheirPath() throws {
        guard case .openAI = try AgentSpecification(parsing: "http://h/v1/chat/completions?x=1"),
            case .openAI = try AgentSpecification(parsing: "openai:http://h/other"),
            case .http = try AgentSpecification(parsing: "http://h/chat/completions/agent")
        else {
            Issue.record("taken for another")
            return
        }
    }

    @Test(arguments: [
        ("", "not an agent"), ("record", "write recorded"), ("recorded:", "names no file"), ("exec:  ", "names no command"),
        ("ftp://h/x", "ftp"), ("http://", "no host"), ("http:///x", "no host"), ("http://h:0/", "not a port"), ("http://h:99999/", "port"),
        ("http://h/a b", "space"), ("http://h/\r\nX: y", "control"), ("exec:a\0b", "NUL"),
    ])
    func usageErrorsSayWhatIsWrong(_ text: String, _ words: String) {
        #expect {
            try AgentSpecification(parsing: text)
        } throws: { error in
            (error as? AgentSpecification.UsageError)?.description.contains(words) == true
        }
    }
}
