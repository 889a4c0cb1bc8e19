#include "CSimdJSON.h"

#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include <simdjson.h>

namespace {

bool is_space(uint8_t c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

bool is_hex(uint8_t c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// RFC 8259, section 6. The whole of [p, end) must be one number.
bool is_number(const uint8_t *p, const uint8_t *end) {
  if (p < end && *p == '-') ++p;
  if (p == end || !is_digit(*p)) return false;
  if (*p == '0') {
    ++p;
  } else {
    while (p < end && is_digit(*p)) ++p;
  }
  if (p < end && *p == '.') {
    ++p;
    if (p == end || !is_digit(*p)) return false;
    while (p < end && is_digit(*p)) ++p;
  }
  if (p < end && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p < end && (*p == '+' || *p == '-')) ++p;
    if (p == end || !is_digit(*p)) return false;
    while (p < end && is_digit(*p)) ++p;
  }
  return p == end;
}

// RFC 8259, section 7, for a string whose first backslash is at p. Returns where a bad escape starts, null if none does.
const uint8_t *bad_escape(const uint8_t *p, const uint8_t *end) {
  while (p && p < end) {
    const uint8_t *escape = p;
    if (++p == end) return escape;
    switch (*p++) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
      break;
    case 'u':
      if (end - p < 4 || !is_hex(p[0]) || !is_hex(p[1]) || !is_hex(p[2]) || !is_hex(p[3])) return escape;
      p += 4;
      break;
    default:
      return escape;
    }
    p = static_cast<const uint8_t *>(memchr(p, '\\', size_t(end - p)));
  }
  return nullptr;
}

// Where the first byte that is not UTF-8 stands: simdjson says only that there is one.
size_t bad_utf8(const uint8_t *text, size_t count) {
  size_t i = 0;
  while (i < count) {
    uint8_t c = text[i];
    size_t more = c < 0x80 ? 0 : c >= 0xC2 && c < 0xE0 ? 1 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xF0 && c < 0xF5 ? 3 : 4;
    if (more == 4 || count - i <= more) return i;
    for (size_t k = 1; k <= more; ++k) {
      uint8_t d = text[i + k];
      uint8_t low = k == 1 && c == 0xE0 ? 0xA0 : k == 1 && c == 0xF0 ? 0x90 : 0x80;
      uint8_t high = k == 1 && c == 0xED ? 0x9F : k == 1 && c == 0xF4 ? 0x8F : 0xBF;
      if (d < low || d > high) return i;
    }
    i += more + 1;
  }
  return 0;
}

} // namespace

struct csj_parser {
  explicit csj_parser(uint32_t depth) : max_depth(depth) {}

  uint32_t max_depth;
  size_t capacity = 0;
  std::unique_ptr<simdjson::internal::dom_parser_implementation> index;
  std::vector<csj_token> tokens; // with room for more; the first `token_count` are this text's
  size_t token_count = 0;
  bool has_backslash = false;    // anywhere in the text
  std::vector<uint32_t> open; // the containers around the current token

  csj_status parse(const uint8_t *text, size_t count, size_t *error);

private:
  csj_status find_structure(const uint8_t *text, size_t count, size_t *error);
  csj_status scalar(const uint8_t *text, size_t from, size_t to, bool must_be_key, size_t *error);
  csj_status bare(const uint8_t *text, size_t from, size_t to, size_t *error);
  void append(csj_kind kind, size_t offset, size_t count, bool has_escapes);
};

csj_status csj_parser::find_structure(const uint8_t *text, size_t count, size_t *error) {
  if (count > capacity || !index) {
    // Grown by doubling, so that lines of rising length do not each allocate anew.
    size_t wanted = count < 4096 ? 4096 : count + count / 2;
    if (simdjson::get_active_implementation()->create_dom_parser_implementation(wanted, max_depth, index)) {
      index.reset();
      capacity = 0;
      return CSJ_NO_MEMORY;
    }
    capacity = wanted;
  }
  switch (index->stage1(text, count, simdjson::stage1_mode::regular)) {
  case simdjson::SUCCESS:
    return CSJ_OK;
  case simdjson::EMPTY:
    return CSJ_EMPTY;
  case simdjson::UTF8_ERROR:
    *error = bad_utf8(text, count);
    return CSJ_INVALID_UTF8;
  case simdjson::UNCLOSED_STRING:
    *error = count;
    return CSJ_UNCLOSED_STRING;
  case simdjson::UNESCAPED_CHARS:
    return CSJ_CONTROL_CHARACTER;
  case simdjson::MEMALLOC:
  case simdjson::CAPACITY:
    return CSJ_NO_MEMORY;
  default:
    return CSJ_UNEXPECTED;
  }
}

// Appends the string, number or literal that starts at `from`; the next structural character stands at `to`.
[[gnu::always_inline]] inline csj_status csj_parser::scalar(const uint8_t *text, size_t from, size_t to, bool must_be_key,
                                                            size_t *error) {
  const uint8_t *start = text + from;
  if (*start == '"') [[likely]] {
    while (to > from && is_space(text[to - 1])) --to;
    size_t length = to - from;
    if (length < 2 || text[to - 1] != '"') return *error = from, CSJ_UNEXPECTED;
    bool has_escapes = false;
    if (has_backslash) {
      auto escape = static_cast<const uint8_t *>(memchr(start + 1, '\\', length - 2));
      has_escapes = escape;
      if (auto bad = bad_escape(escape, text + to - 1)) return *error = size_t(bad - text), CSJ_BAD_ESCAPE;
    }
    append(CSJ_STRING, from + 1, length - 2, has_escapes);
    return CSJ_OK;
  }
  if (must_be_key) return *error = from, CSJ_UNEXPECTED;
  return bare(text, from, to, error);
}

// The same for what has no quotes.
csj_status csj_parser::bare(const uint8_t *text, size_t from, size_t to, size_t *error) {
  *error = from;
  while (to > from && is_space(text[to - 1])) --to;
  const uint8_t *start = text + from;
  size_t length = to - from;
  csj_kind kind;
  if (*start == '-' || is_digit(*start)) {
    if (!is_number(start, text + to)) return CSJ_BAD_NUMBER;
    kind = CSJ_NUMBER;
  } else if (length == 4 && !memcmp(start, "true", 4)) {
    kind = CSJ_TRUE;
  } else if (length == 5 && !memcmp(start, "false", 5)) {
    kind = CSJ_FALSE;
  } else if (length == 4 && !memcmp(start, "null", 4)) {
    kind = CSJ_NULL;
  } else {
    return strchr("{}[]:,", *start) ? CSJ_UNEXPECTED : CSJ_BAD_LITERAL;
  }
  append(kind, from, length, false);
  return CSJ_OK;
}

// A token without others in it.
[[gnu::always_inline]] inline void csj_parser::append(csj_kind kind, size_t offset, size_t count, bool has_escapes) {
  csj_token &token = tokens[token_count++];
  token = {uint32_t(offset), uint32_t(count), uint32_t(token_count), uint8_t(kind), has_escapes, 0};
}

csj_status csj_parser::parse(const uint8_t *text, size_t count, size_t *error) {
  *error = 0;
  token_count = 0;
  open.clear();
  if (auto status = find_structure(text, count, error)) return status;
  has_backslash = memchr(text, '\\', count);
  // Each token starts at a structural character of its own.
  if (tokens.size() < index->n_structural_indexes) tokens.resize(index->n_structural_indexes);

  const uint32_t *at = index->structural_indexes.get();
  const size_t total = index->n_structural_indexes;
  auto position = [&](size_t i) { return i < total ? size_t(at[i]) : count; };
  auto unexpected = [&](size_t i) {
    *error = position(i);
    return i < total ? CSJ_UNEXPECTED : CSJ_UNCLOSED;
  };

  size_t i = 0;
  for (;;) {
    // Here a value must stand.
    if (i >= total) return unexpected(i);
    uint8_t c = text[at[i]];
    if (c == '{' || c == '[') {
      if (open.size() >= max_depth) {
        *error = at[i];
        return CSJ_TOO_DEEP;
      }
      csj_token token{};
      token.kind = c == '{' ? CSJ_OBJECT : CSJ_ARRAY;
      token.offset = at[i];
      uint32_t self = uint32_t(token_count);
      tokens[token_count++] = token;
      ++i;
      uint8_t first = i < total ? text[at[i]] : 0;
      if (first == (c == '{' ? '}' : ']')) {
        tokens[self].count = at[i] + 1 - at[i - 1];
        tokens[self].next = self + 1;
        ++i;
      } else {
        open.push_back(self);
        if (c == '[') continue;
        if (i >= total) return unexpected(i);
        if (auto status = scalar(text, at[i], position(i + 1), true, error)) return status;
        if (++i >= total || text[at[i]] != ':') return unexpected(i);
        ++i;
        continue;
      }
    } else {
      if (auto status = scalar(text, at[i], position(i + 1), false, error)) return status;
      ++i;
    }

    // A value is complete: a comma leads to the next one, brackets close the containers around it.
    for (;;) {
      if (open.empty()) {
        if (i == total) return CSJ_OK;
        *error = at[i];
        return CSJ_TRAILING;
      }
      if (i >= total) return unexpected(i);
      csj_token &around = tokens[open.back()];
      uint8_t d = text[at[i]];
      if (d == ',') {
        ++i;
        if (around.kind == CSJ_OBJECT) {
          if (i >= total) return unexpected(i);
          if (auto status = scalar(text, at[i], position(i + 1), true, error)) return status;
          if (++i >= total || text[at[i]] != ':') return unexpected(i);
          ++i;
        }
        break;
      }
      if (d != (around.kind == CSJ_OBJECT ? '}' : ']')) return unexpected(i);
      around.count = at[i] + 1 - around.offset;
      around.next = uint32_t(token_count);
      open.pop_back();
      ++i;
    }
  }
}

csj_parser *csj_parser_create(uint32_t max_depth) { return new (std::nothrow) csj_parser(max_depth); }

void csj_parser_destroy(csj_parser *parser) { delete parser; }

csj_status csj_parse(csj_parser *parser, const uint8_t *text, size_t count, const csj_token **tokens,
                     size_t *token_count, size_t *error_offset) {
  // Exceptions must not leave C++: the vectors can throw when memory runs out.
  try {
    if (count >= UINT32_MAX) return CSJ_NO_MEMORY;
    csj_status status = parser->parse(text, count, error_offset);
    *tokens = parser->tokens.data();
    *token_count = parser->token_count;
    return status;
  } catch (...) {
    *error_offset = 0;
    return CSJ_NO_MEMORY;
  }
}
