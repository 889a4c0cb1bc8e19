// The same backfill, written the plain way in C++: what the libraries under Outrigger give without further thought.
//
//     plain_prototype FILE ENDPOINT none|gzip START_NANOS
//
// One thread reads agent traces in JSONL with simdjson's on-demand parser, builds the ordinary protobuf-c messages of
// the same spans as Outrigger makes without content capture (same ids, times and attributes), and posts 512 spans a
// request with libcurl; gzip is zlib's level 1. It reads the fields that the benchmark's file has, and no others.
// Prints one line of JSON; exits with 1 when a line cannot be read or a request is not accepted.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <curl/curl.h>
#include <nettle/sha2.h>
#include <simdjson.h>
#include <zlib.h>

#include "otlp_trace.pb-c.h"

using std::string_view;

namespace {

constexpr size_t batch_spans = 512;
constexpr uint64_t stride = 1'000'000'000;
const char *const dataset = "bench";
const char *const role = "baseline";

// MARK: ids

struct Sha256 {
  sha256_ctx context;
  Sha256() { sha256_init(&context); }
  Sha256 &add(string_view bytes) {
    sha256_update(&context, bytes.size(), reinterpret_cast<const uint8_t *>(bytes.data()));
    return *this;
  }
  template <size_t N> std::array<uint8_t, N> digest() {
    std::array<uint8_t, N> out;
    sha256_digest(&context, N, out.data());
    return out;
  }
};

using TraceID = std::array<uint8_t, 16>;
using SpanID = std::array<uint8_t, 8>;

TraceID trace_id(string_view recorded, int occurrence) {
  const string_view nul("\0", 1);
  auto id = Sha256().add("outrigger/backfill/1/trace").add(nul).add(dataset).add(nul).add(recorded).add(nul)
                .add(std::to_string(occurrence)).add(nul).add(role).digest<16>();
  if (id == TraceID{}) id[15] = 1;
  return id;
}

SpanID span_id(const TraceID &trace, const std::string &path) {
  const string_view nul("\0", 1);
  auto id = Sha256().add("outrigger/backfill/1/span").add(nul)
                .add({reinterpret_cast<const char *>(trace.data()), trace.size()}).add(nul).add(path).digest<8>();
  if (id == SpanID{}) id[7] = 1;
  return id;
}

template <size_t N> std::string hex(const std::array<uint8_t, N> &bytes) {
  std::string text;
  for (uint8_t byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// MARK: runs

struct Call {
  string_view id, name;
  bool success = true;
};

// The views stand in the parser's memory until the next line is read.
struct Run {
  string_view id, request, outcome, expected_outcome, agent, version;
  double latency_ms = 0;
  int64_t cost_tokens = 0;
  std::vector<Call> calls;
};

void read(simdjson::ondemand::document &line, Run &run) {
  run.calls.clear();
  for (auto field : line.get_object()) {
    string_view key = field.unescaped_key();
    simdjson::ondemand::value value = field.value();
    if (key == "trace_id") run.id = value.get_string();
    else if (key == "request") run.request = value.get_string();
    else if (key == "outcome") run.outcome = value.get_string();
    else if (key == "expected_outcome") run.expected_outcome = value.get_string();
    else if (key == "agent") run.agent = value.get_string();
    else if (key == "version") run.version = value.get_string();
    else if (key == "latency_ms") run.latency_ms = value.get_double();
    else if (key == "cost_tokens") run.cost_tokens = value.get_int64();
    else if (key == "tool_calls") {
      for (auto element : value.get_array()) {
        Call call;
        for (auto member : element.get_object()) {
          string_view name = member.unescaped_key();
          if (name == "id") call.id = member.value().get_string();
          else if (name == "name") call.name = member.value().get_string();
        }
        run.calls.push_back(call);
      }
    } else if (key == "tool_results") {
      size_t k = 0;
      for (auto element : value.get_array()) {
        if (k == run.calls.size()) throw std::runtime_error("more results than calls");
        for (auto member : element.get_object()) {
          if (string_view(member.unescaped_key()) == "success") run.calls[k].success = member.value().get_bool();
        }
        ++k;
      }
    }
  }
}

// MARK: spans

ProtobufCBinaryData view(string_view text) {
  return {text.size(), reinterpret_cast<uint8_t *>(const_cast<char *>(text.data()))};
}

// Keeps elements where they are, and their memory for the next batch.
template <typename T> class Pool {
public:
  T &add(const T &element) {
    if (count_ == chunk * chunks_.size()) chunks_.emplace_back(new T[chunk]);
    T &place = chunks_[count_ / chunk][count_ % chunk];
    ++count_;
    return place = element;
  }
  void clear() { count_ = 0; }
  size_t count() const { return count_; }
  T &operator[](size_t i) { return chunks_[i / chunk][i % chunk]; }

private:
  static constexpr size_t chunk = 1024;
  std::vector<std::unique_ptr<T[]>> chunks_;
  size_t count_ = 0;
};

// Owns the messages of one request and the texts in them.
class Batch {
public:
  void clear() {
    spans_.clear();
    status_.clear();
    pairs_.clear();
    values_.clear();
    texts_.clear();
    ids_.clear();
    pointers_.clear();
    current_ = nullptr;
  }

  size_t count() const { return spans_.count(); }

  void begin(string_view name, const TraceID &trace, const SpanID &id, const SpanID *parent, uint64_t start, uint64_t end) {
    close();
    current_ = &spans_.add(OTLP__SPAN__INIT);
    auto &ids = ids_.add({trace, id, parent ? *parent : SpanID{}});
    current_->trace_id = {16, ids.trace.data()};
    current_->span_id = {8, ids.span.data()};
    if (parent) current_->parent_span_id = {8, ids.parent.data()};
    current_->name = view(name);
    current_->kind = OTLP__SPAN_KIND__SPAN_KIND_INTERNAL;
    current_->start_time_unix_nano = start;
    current_->end_time_unix_nano = end;
    current_->flags = 0x103;
  }

  void fail() {
    current_->status = &status_.add(OTLP__STATUS__INIT);
    current_->status->code = OTLP__STATUS_CODE__STATUS_CODE_ERROR;
  }

  // A text that lives as long as the program.
  void constant(string_view key, string_view text) {
    auto &value = add(key);
    value.value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    value.string_value = view(text);
  }
  void text(string_view key, string_view text) { constant(key, texts_.add(std::string(text))); }
  void integer(string_view key, int64_t number) {
    auto &value = add(key);
    value.value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
    value.int_value = number;
  }
  void real(string_view key, double number) {
    auto &value = add(key);
    value.value_case = OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE;
    value.double_value = number;
  }
  void boolean(string_view key, bool truth) {
    auto &value = add(key);
    value.value_case = OTLP__ANY_VALUE__VALUE_BOOL_VALUE;
    value.bool_value = truth;
  }

  void pack(Otlp__Resource &resource, Otlp__InstrumentationScope &scope, std::vector<uint8_t> &body) {
    close();
    std::vector<Otlp__Span *> spans;
    for (size_t i = 0; i < spans_.count(); ++i) spans.push_back(&spans_[i]);
    Otlp__ScopeSpans scope_spans = OTLP__SCOPE_SPANS__INIT;
    scope_spans.scope = &scope;
    scope_spans.n_spans = spans.size();
    scope_spans.spans = spans.data();
    Otlp__ScopeSpans *scope_list[] = {&scope_spans};
    Otlp__ResourceSpans resource_spans = OTLP__RESOURCE_SPANS__INIT;
    resource_spans.resource = &resource;
    resource_spans.n_scope_spans = 1;
    resource_spans.scope_spans = scope_list;
    Otlp__ResourceSpans *resource_list[] = {&resource_spans};
    Otlp__ExportTraceServiceRequest request = OTLP__EXPORT_TRACE_SERVICE_REQUEST__INIT;
    request.n_resource_spans = 1;
    request.resource_spans = resource_list;
    body.resize(otlp__export_trace_service_request__get_packed_size(&request));
    otlp__export_trace_service_request__pack(&request, body.data());
  }

private:
  Otlp__AnyValue &add(string_view key) {
    auto &value = values_.add(OTLP__ANY_VALUE__INIT);
    auto &pair = pairs_.add(OTLP__KEY_VALUE__INIT);
    pair.key = view(key);
    pair.value = &value;
    list_.push_back(&pair);
    return value;
  }

  // The span is complete: its attributes go where they stay.
  void close() {
    if (!current_) return;
    current_->n_attributes = list_.size();
    current_->attributes = pointers_.add({}).data();
    std::copy(list_.begin(), list_.end(), current_->attributes);
    list_.clear();
    current_ = nullptr;
  }

  struct IDs {
    TraceID trace;
    SpanID span, parent;
  };

  static constexpr size_t most_attributes = 32;

  Pool<Otlp__Span> spans_;
  Pool<Otlp__Status> status_;
  Pool<Otlp__KeyValue> pairs_;
  Pool<Otlp__AnyValue> values_;
  Pool<std::string> texts_;
  Pool<IDs> ids_;
  Pool<std::array<Otlp__KeyValue *, most_attributes>> pointers_;
  std::vector<Otlp__KeyValue *> list_;
  Otlp__Span *current_ = nullptr;
};

void add_spans(const Run &run, int64_t line, uint64_t start, const TraceID &trace, Batch &batch) {
  uint64_t duration = std::max<uint64_t>(1, uint64_t(std::floor(run.latency_ms * 1e6 + 0.5)));
  SpanID run_id = span_id(trace, "run");
  batch.begin("agent.run", trace, run_id, nullptr, start, start + duration);
  batch.constant("gen_ai.operation.name", "invoke_agent");
  batch.constant("openinference.span.kind", "AGENT");
  batch.constant("outrigger.run.mode", "backfill");
  batch.constant("outrigger.run.role", role);
  batch.constant("outrigger.source.dataset", dataset);
  batch.constant("outrigger.time.source", "synthetic");
  batch.text("gen_ai.agent.name", run.agent);
  batch.text("agent.version", run.version);
  batch.text("outrigger.run.id", hex(run_id));
  batch.text("outrigger.request.id", run.id);
  batch.text("outrigger.source.trace_id", run.id);
  batch.integer("outrigger.source.line", line);
  batch.text("outrigger.outcome.actual", run.outcome);
  batch.text("outrigger.outcome.expected", run.expected_outcome);
  batch.boolean("outrigger.outcome.match", run.outcome == run.expected_outcome);
  batch.integer("outrigger.cost.tokens", run.cost_tokens);
  batch.integer("llm.token_count.total", run.cost_tokens);
  batch.real("outrigger.latency_ms", run.latency_ms);
  batch.text("outrigger.request.sha256", hex(Sha256().add(run.request).digest<32>()));

  size_t steps = run.calls.size();
  uint64_t from = start;
  for (size_t k = 0; k < steps; ++k) {
    const Call &call = run.calls[k];
    uint64_t to = start + uint64_t((unsigned __int128)duration * (k + 1) / steps);
    std::string path = "run/" + std::to_string(k);
    SpanID step_id = span_id(trace, path);
    batch.begin("agent.step", trace, step_id, &run_id, from, to);
    batch.integer("step.index", int64_t(k));
    batch.constant("openinference.span.kind", "CHAIN");

    SpanID call_id = span_id(trace, path + "/call");
    batch.begin("tool.call", trace, call_id, &step_id, from, to);
    batch.constant("gen_ai.operation.name", "execute_tool");
    batch.constant("gen_ai.tool.type", "function");
    batch.constant("openinference.span.kind", "TOOL");
    batch.integer("outrigger.tool.index", int64_t(k));
    batch.text("tool.name", call.name);
    batch.text("gen_ai.tool.name", call.name);
    batch.text("gen_ai.tool.call.id", call.id);
    if (!call.success) {
      batch.constant("error.type", "tool_error");
      batch.fail();
    }

    batch.begin("tool.result", trace, span_id(trace, path + "/result"), &call_id, to, to);
    batch.boolean("tool.success", call.success);
    batch.constant("openinference.span.kind", "CHAIN");
    batch.integer("outrigger.tool.index", int64_t(k));
    if (!call.success) {
      batch.constant("error.type", "tool_error");
      batch.fail();
    }
    from = to;
  }
}

// MARK: delivery

class Sender {
public:
  Sender(const char *endpoint, bool gzip) : gzip_(gzip) {
    headers_ = curl_slist_append(headers_, "Content-Type: application/x-protobuf");
    if (gzip) headers_ = curl_slist_append(headers_, "Content-Encoding: gzip");
    headers_ = curl_slist_append(headers_, "Expect:");
    curl_easy_setopt(curl_, CURLOPT_URL, endpoint);
    curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers_);
    resource_ = OTLP__RESOURCE__INIT;
    const char *texts[][2] = {{"service.name", "unknown_service:outrigger"},
                              {"telemetry.sdk.name", "outrigger"},
                              {"telemetry.sdk.language", "cpp"},
                              {"telemetry.sdk.version", "1"}};
    for (auto &text : texts) {
      auto *value = &values_.add(OTLP__ANY_VALUE__INIT);
      value->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
      value->string_value = view(text[1]);
      auto *pair = &pairs_.add(OTLP__KEY_VALUE__INIT);
      pair->key = view(text[0]);
      pair->value = value;
      list_.push_back(pair);
    }
    resource_.n_attributes = list_.size();
    resource_.attributes = list_.data();
    scope_ = OTLP__INSTRUMENTATION_SCOPE__INIT;
    scope_.name = view("outrigger");
    scope_.version = view("1");
  }

  void send(Batch &batch) {
    if (batch.count() == 0) return;
    batch.pack(resource_, scope_, body_);
    std::vector<uint8_t> &sent = gzip_ ? compress() : body_;
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, sent.data());
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(sent.size()));
    long status = 0;
    if (curl_easy_perform(curl_) == CURLE_OK) curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) throw std::runtime_error("a request was not accepted");
    spans += batch.count();
    bytes += body_.size();
    batch.clear();
  }

  size_t spans = 0, bytes = 0;

private:
  std::vector<uint8_t> &compress() {
    z_stream stream{};
    deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    compressed_.resize(deflateBound(&stream, body_.size()));
    stream.next_in = body_.data();
    stream.avail_in = uInt(body_.size());
    stream.next_out = compressed_.data();
    stream.avail_out = uInt(compressed_.size());
    deflate(&stream, Z_FINISH);
    compressed_.resize(stream.total_out);
    deflateEnd(&stream);
    return compressed_;
  }

  CURL *curl_ = curl_easy_init();
  curl_slist *headers_ = nullptr;
  bool gzip_;
  std::vector<uint8_t> body_, compressed_;
  Otlp__Resource resource_;
  Otlp__InstrumentationScope scope_;
  Pool<Otlp__AnyValue> values_;
  Pool<Otlp__KeyValue> pairs_;
  std::vector<Otlp__KeyValue *> list_;
};

} // namespace

int main(int count, char **arguments) {
  if (count != 5) return 2;
  try {
    uint64_t first_start = std::stoull(arguments[4]);
    Sender sender(arguments[2], !strcmp(arguments[3], "gzip"));
    simdjson::ondemand::parser parser;
    std::unordered_map<std::string, int> occurrences;
    FILE *file = fopen(arguments[1], "r");
    if (!file) throw std::runtime_error("cannot open the file");
    // With room for the padding that simdjson asks for.
    std::vector<char> line(1 << 20);
    Batch batch;
    Run run;
    for (int64_t number = 1; fgets(line.data(), int(line.size() - simdjson::SIMDJSON_PADDING), file); ++number) {
      size_t length = strlen(line.data());
      simdjson::ondemand::document document = parser.iterate(line.data(), length, line.size());
      read(document, run);
      TraceID trace = trace_id(run.id, occurrences[std::string(run.id)]++);
      add_spans(run, number, first_start + uint64_t(number - 1) * stride, trace, batch);
      if (batch.count() >= batch_spans) sender.send(batch);
    }
    fclose(file);
    sender.send(batch);
    printf("{\"spans\": %zu, \"bytes\": %zu}\n", sender.spans, sender.bytes);
    return 0;
  } catch (const std::exception &error) {
    fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
