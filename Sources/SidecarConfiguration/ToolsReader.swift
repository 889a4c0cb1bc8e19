internal import JSONDocuments
internal import Replay
internal import Router
internal import StrictYAML
internal import ToolGateway

/// Reads `tools:`, the tool gateway's part of the configuration.
enum ToolsReader {
    static func tools(_ fields: YAMLMapping, readAddress: (YAMLField) -> SidecarConfiguration.Address?) -> SidecarConfiguration.Tools? {
        var tools = SidecarConfiguration.Tools()
        tools.listen = fields["listen"].flatMap(readAddress) ?? tools.listen
        if let field = fields["url"], let text = url(field) { tools.url = text }
        if let grace = fields["grace"]?.duration() { tools.settings.grace = grace }
        fields["shadow"]?.mapping { fields -> Void in
            tools.settings.shadow.wait = fields["wait"]?.duration() ?? tools.settings.shadow.wait
            tools.settings.shadow.matching = fields["matching"]?.word(as: ToolMatching.self) ?? tools.settings.shadow.matching
        }
        fields["limits"]?.mapping { fields -> Void in
            var limits = tools.settings.limits
            limits.runs = fields["runs"]?.int(in: 1...10_000_000) ?? limits.runs
            limits.callsPerRun = fields["calls_per_run"]?.int(in: 1...10_000) ?? limits.callsPerRun
            limits.callsUnderWay = fields["calls_under_way"]?.int(in: 1...100_000) ?? limits.callsUnderWay
            limits.bytesPerRun = fields["bytes_per_run"]?.int(in: 0...(256 << 20)) ?? limits.bytesPerRun
            tools.settings.limits = limits
        }
        let allow = fields["allow"]
        for (name, field) in fields.required("upstreams")?.entries() ?? [] {
            guard isName(name) else {
                field.report("\(name) is no name of a tool", remedy: "use 1 to 128 letters, digits and _ . -")
                continue
            }
            guard let (upstream, settings) = field.mapping({ tool($0, name) }) else { continue }
            tools.upstreams[name] = upstream
            tools.settings.tools[name] = settings
        }
        allow?.mapping { fields -> Void in
            tools.settings.allowedForBaseline = names(fields["baseline"], tools)
            tools.settings.allowedForCandidate = names(fields["candidate"], tools)
        }
        return tools
    }

    /// What can stand in a path and a header as it is.
    private static func isName(_ name: String) -> Bool {
        (1...128).contains(name.utf8.count) && name != "." && name != ".."
            && name.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2E, 0x2D: true
                default: false
                }
            }
    }

    private static func names(_ field: YAMLField?, _ tools: SidecarConfiguration.Tools) -> Set<String>? {
        guard let field else { return nil }
        let names = field.list { field -> String? in
            guard let name = field.string() else { return nil }
            if tools.upstreams[name] == nil {
                let nearest = NearestWord.of(name, among: tools.upstreams.keys)
                field.report(
                    "there is no tool \(name)", remedy: nearest.map { "did you mean \($0)?" } ?? "name one that stands under tools.upstreams")
            }
            return name
        }
        return Set(names ?? [])
    }

    private static func rate(_ field: YAMLField) -> ToolRate? {
        field.mapping { fields in
            let calls = fields.required("calls")?.int(in: 1...10_000_000)
            let per = fields["per"]?.duration() ?? .seconds(1)
            guard per >= .milliseconds(1), per <= .seconds(86_400) else {
                fields["per"]?.report("it must be from 1ms to 24h", remedy: "choose a time within the bounds")
                return nil
            }
            return calls.map { ToolRate(calls: $0, per: per) }
        }
    }

    private static func tool(_ fields: YAMLMapping, _ name: String) -> (SidecarConfiguration.Tools.Upstream, ToolSettings)? {
        var settings = ToolSettings()
        settings.effect = fields["effect"]?.word(as: ToolEffect.self) ?? .write
        if let field = fields["timeout"], let time = field.duration() {
            if time >= .milliseconds(1), time <= .seconds(540) {
                settings.timeout = time
            } else {
                field.report("it must be from 1ms to 9m", remedy: "choose a time within the bounds")
            }
        }
        settings.maximumArguments = fields["max_body"]?.int(in: 2...(64 << 20)) ?? settings.maximumArguments
        settings.maximumResult = fields["max_result"]?.int(in: 2...(64 << 20)) ?? settings.maximumResult
        settings.budget = fields["budget"]?.int(in: 0...10_000)
        settings.rate = fields["rate"].flatMap(rate)
        settings.runRate = fields["run_rate"].flatMap(rate)
        var upstream = SidecarConfiguration.Tools.Upstream()
        upstream.description = fields["description"]?.string()
        if let field = fields["schema"], let (schema, document) = schema(field) {
            settings.arguments = schema
            upstream.schema = document
        }
        upstream.headers = fields["headers"]?.list(header) ?? []
        let (plain, server, remoteName) = (fields["url"], fields["mcp"], fields["tool"])
        switch (plain, server) {
        case (let field?, nil):
            remoteName?.report("only a tool of an MCP server has another name there", remedy: "remove it")
            guard let text = url(field) else { return nil }
            upstream.url = text
        case (nil, let field?):
            guard let text = url(field) else { return nil }
            upstream.url = text
            upstream.mcpName = remoteName.flatMap { $0.string() } ?? name
        case (nil, nil):
            fields.report("the tool has neither url nor mcp", remedy: "say where it is: url for plain HTTP, mcp for an MCP server")
            return nil
        case (_, let field?):
            field.report("the tool has both url and mcp", remedy: "keep one")
            return nil
        }
        return (upstream, settings)
    }

    private static func url(_ field: YAMLField) -> String? {
        guard let text = field.string() else { return nil }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            field.report("the URL has characters that a URL cannot have", remedy: "write http://host:port/path")
            return nil
        }
        do throws(UpstreamError) {
            return try Upstream(text).url
        } catch {
            field.report(error.message, remedy: "write http://host:port/path")
            return nil
        }
    }

    private static func header(_ field: YAMLField) -> SidecarConfiguration.Tools.Header? {
        field.mapping { fields in
            let name = fields.required("name")?.string()
            let variable = fields.required("env")?.string()
            guard let name, let variable else { return nil }
            let isToken = !name.isEmpty && name.utf8.allSatisfy { (0x21...0x7E).contains($0) && !"\"(),/:;<=>?@[\\]{}".utf8.contains($0) }
            guard isToken else {
                fields["name"]?.report("\(name) is no name of a header", remedy: "write one such as authorization")
                return nil
            }
            return SidecarConfiguration.Tools.Header(name: name.lowercased(), variable: variable)
        }
    }

    private static func schema(_ field: YAMLField) -> (JSONSchema, JSONDocument)? {
        guard let json = field.json() else { return nil }
        do {
            let document = try JSONDocument(parsing: json)
            let schema = try JSONSchema(document)
            for keyword in schema.unknownKeywords {
                guard let nearest = NearestWord.of(keyword.name, among: JSONSchema.keywords) else { continue }
                field.report("the schema's \(keyword.pointer) is no keyword", remedy: "did you mean \(nearest)?")
            }
            return (schema, document)
        } catch {
            field.report("the schema cannot be used: \(error)", remedy: "mend it")
            return nil
        }
    }
}
