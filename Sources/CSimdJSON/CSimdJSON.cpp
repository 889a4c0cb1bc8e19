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
[[gnu::always_inline]] inline bool is_number(const uint8_t *p, const uint8_t *end) {
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
  explicit csj_parser(uint32_t depth) : max_depth(depth), open(new (std::nothrow) uint32_t[size_t(depth) + 1]) {}

  uint32_t max_depth;
  size_t capacity = 0;
  std::unique_ptr<simdjson::internal::dom_parser_implementation> index;
  std::vector<csj_token> tokens; // with room for more; the first `token_count` are this text's
  size_t token_count = 0;
  bool has_backslash = false; // anywhere in the text
  // The containers around the current token: their tokens' indices, doubled, plus 1 for an object.
  std::unique_ptr<uint32_t[]> open;

  csj_status find_structure(const uint8_t *text, size_t count, size_t *error);
  csj_status parse(const uint8_t *text, size_t count, size_t *error);

  // Checks the value that starts at the structural character `i` and leaves `i` after its end, as parse does, but keeps
  // nothing of it and does not say what is wrong with it. `around` containers stand around it.
  bool skip(const uint8_t *text, size_t count, size_t &i, size_t around);

private:
  csj_status walk(const uint8_t *text, size_t count, size_t &i, size_t *error);
  csj_status scalar(const uint8_t *text, size_t from, size_t to, bool must_be_key, size_t *error);
  bool is_plain(const uint8_t *text, size_t from, size_t to) const;
  bool skip_key(const uint8_t *text, size_t &i) const;
  bool skip_plain_members(const uint8_t *text, size_t &i) const;
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
    has_backslash = memchr(text, '\\', count);
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

namespace {

// The kind of the number or literal that is all of [from, to), without quotes.
csj_status bare_kind(const uint8_t *text, size_t from, size_t to, csj_kind *kind) {
  const uint8_t *start = text + from;
  size_t length = to - from;
  if (*start == '-' || is_digit(*start)) {
    if (!is_number(start, text + to)) return CSJ_BAD_NUMBER;
    *kind = CSJ_NUMBER;
  } else if (length == 4 && !memcmp(start, "true", 4)) {
    *kind = CSJ_TRUE;
  } else if (length == 5 && !memcmp(start, "false", 5)) {
    *kind = CSJ_FALSE;
  } else if (length == 4 && !memcmp(start, "null", 4)) {
    *kind = CSJ_NULL;
  } else {
    return strchr("{}[]:,", *start) ? CSJ_UNEXPECTED : CSJ_BAD_LITERAL;
  }
  return CSJ_OK;
}

// Where [from, to) ends without the white space behind it.
size_t trimmed(const uint8_t *text, size_t from, size_t to) {
  while (to > from && is_space(text[to - 1])) --to;
  return to;
}

// Whether [from, to) is a string, number or literal with nothing but white space behind it.
[[gnu::noinline]] bool is_scalar(const uint8_t *text, size_t from, size_t to, bool has_backslash) {
  to = trimmed(text, from, to);
  if (text[from] == '"') {
    if (to - from < 2 || text[to - 1] != '"') return false;
    return !has_backslash || csj_find_escapes(text + from + 1, to - from - 2) != CSJ_BAD_ESCAPES;
  }
  csj_kind kind;
  return to > from && bare_kind(text, from, to, &kind) == CSJ_OK;
}

} // namespace

// Checks the string, number or literal that starts at `from`; the next structural character stands at `to`.
[[gnu::always_inline]] inline csj_status csj_parser::scalar(const uint8_t *text, size_t from, size_t to, bool must_be_key,
                                                            size_t *error) {
  const uint8_t *start = text + from;
  // In most texts nothing but the structure stands between two values.
  while (text[to - 1] <= ' ' && to > from && is_space(text[to - 1])) --to;
  size_t length = to - from;
  if (*start == '"') [[likely]] {
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
  *error = from;
  if (must_be_key) return CSJ_UNEXPECTED;
  // Whole numbers, in line.
  const uint8_t *digit = start;
  while (digit < text + to && is_digit(*digit)) ++digit;
  if (digit == text + to && (*start != '0' || length == 1)) {
    append(CSJ_NUMBER, from, length, false);
    return CSJ_OK;
  }
  csj_kind kind = CSJ_NULL;
  if (auto status = bare_kind(text, from, to, &kind)) return status;
  append(kind, from, length, false);
  return CSJ_OK;
}

// A token without others in it.
[[gnu::always_inline]] inline void csj_parser::append(csj_kind kind, size_t offset, size_t count, bool has_escapes) {
  csj_token &token = tokens[token_count++];
  token = {uint32_t(offset), uint32_t(count), uint32_t(token_count), uint8_t(kind), has_escapes, 0};
}

csj_status csj_parser::walk(const uint8_t *text, size_t count, size_t &i, size_t *error) {
  const uint32_t *at = index->structural_indexes.get();
  const size_t total = index->n_structural_indexes;
  auto position = [&](size_t i) { return i < total ? size_t(at[i]) : count; };
  auto unexpected = [&](size_t i) {
    *error = position(i);
    return i < total ? CSJ_UNEXPECTED : CSJ_UNCLOSED;
  };

  uint32_t *const bottom = open.get();
  uint32_t *top = bottom;
  for (;;) {
    // Here a value must stand.
    if (i >= total) return unexpected(i);
    uint8_t c = text[at[i]];
    if (c == '{' || c == '[') {
      if (size_t(top - bottom) >= max_depth) {
        *error = at[i];
        return CSJ_TOO_DEEP;
      }
      uint32_t self = uint32_t(token_count);
      csj_token token{};
      token.kind = c == '{' ? CSJ_OBJECT : CSJ_ARRAY;
      token.offset = at[i];
      tokens[token_count++] = token;
      ++i;
      uint8_t first = i < total ? text[at[i]] : 0;
      if (first == (c == '{' ? '}' : ']')) {
        tokens[self].count = at[i] + 1 - at[i - 1];
        tokens[self].next = self + 1;
        ++i;
      } else {
        *top++ = self << 1 | (c == '{');
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
      if (top == bottom) return CSJ_OK;
      if (i >= total) return unexpected(i);
      bool in_object = top[-1] & 1;
      uint8_t d = text[at[i]];
      if (d == ',') {
        ++i;
        if (in_object) {
          if (i >= total) return unexpected(i);
          if (auto status = scalar(text, at[i], position(i + 1), true, error)) return status;
          if (++i >= total || text[at[i]] != ':') return unexpected(i);
          ++i;
        }
        break;
      }
      if (d != (in_object ? '}' : ']')) return unexpected(i);
      csj_token &closed = tokens[top[-1] >> 1];
      closed.count = at[i] + 1 - closed.offset;
      closed.next = uint32_t(token_count);
      --top;
      ++i;
    }
  }
}

csj_status csj_parser::parse(const uint8_t *text, size_t count, size_t *error) {
  *error = 0;
  token_count = 0;
  if (auto status = find_structure(text, count, error)) return status;
  // Each token starts at a structural character of its own.
  if (tokens.size() < index->n_structural_indexes) tokens.resize(index->n_structural_indexes);
  size_t i = 0;
  if (auto status = walk(text, count, i, error)) return status;
  if (i == index->n_structural_indexes) return CSJ_OK;
  *error = index->structural_indexes[i];
  return CSJ_TRAILING;
}

// Whether the scalar that starts at `from` is a string without escapes or a number, and structure follows right behind it, at
// `to`, as nearly always: between an opening quote and the next structural character stands the closing one.
[[gnu::always_inline]] inline bool csj_parser::is_plain(const uint8_t *text, size_t from, size_t to) const {
  if (text[from] == '"') [[likely]] return text[to - 1] == '"' && !has_backslash;
  return is_number(text + from, text + to);
}

// Passes a key and its colon.
bool csj_parser::skip_key(const uint8_t *text, size_t &i) const {
  const uint32_t *at = index->structural_indexes.get();
  if (i + 1 >= index->n_structural_indexes || text[at[i]] != '"' || text[at[i + 1]] != ':') return false;
  if (!is_scalar(text, at[i], at[i + 1], has_backslash)) return false;
  i += 2;
  return true;
}

// Passes the members of an object that are plain, each with its comma, and the last one with the bracket behind it.
// Returns whether that bracket was passed.
[[gnu::always_inline]] inline bool csj_parser::skip_plain_members(const uint8_t *text, size_t &i) const {
  const uint32_t *at = index->structural_indexes.get();
  for (const size_t total = index->n_structural_indexes; i + 3 < total; i += 4) {
    const size_t key = at[i], colon = at[i + 1], value = at[i + 2], end = at[i + 3];
    if (text[key] != '"' || text[colon] != ':' || !is_plain(text, key, colon) || !is_plain(text, value, end)) return false;
    if (text[end] == ',') continue;
    if (text[end] != '}') return false;
    i += 4;
    return true;
  }
  return false;
}

bool csj_parser::skip(const uint8_t *text, size_t count, size_t &i, size_t around) {
  const uint32_t *at = index->structural_indexes.get();
  const size_t total = index->n_structural_indexes;
  // For each container around the value whether it is an object.
  uint32_t *const bottom = open.get();
  uint32_t *top = bottom;
  uint32_t *const limit = bottom + (max_depth > around ? max_depth - around : 0);
  for (;;) {
    // Here a value must stand.
    if (i >= total) return false;
    uint8_t c = text[at[i]];
    if (c == '{' || c == '[') {
      if (top >= limit || ++i >= total) return false;
      bool is_object = c == '{';
      if (text[at[i]] == (is_object ? '}' : ']')) {
        ++i;
      } else if (!is_object || !skip_plain_members(text, i)) {
        *top++ = is_object;
        if (is_object && !skip_key(text, i)) return false;
        continue;
      }
    } else {
      const size_t end = i + 1 < total ? at[i + 1] : count;
      if (!is_plain(text, at[i], end) && !is_scalar(text, at[i], end, has_backslash)) return false;
      ++i;
    }

    // A value is complete: a comma leads to the next one, brackets close the containers around it.
    for (;;) {
      if (top == bottom) return true;
      if (i >= total) return false;
      uint8_t d = text[at[i++]];
      if (d == ',') {
        if (top[-1] && !skip_key(text, i)) return false;
        break;
      }
      if (d != (top[-1] ? '}' : ']')) return false;
      --top;
    }
  }
}

csj_parser *csj_parser_create(uint32_t max_depth) {
  std::unique_ptr<csj_parser> parser(new (std::nothrow) csj_parser(max_depth));
  return parser && parser->open ? parser.release() : nullptr;
}

void csj_parser_destroy(csj_parser *parser) { delete parser; }

csj_status csj_parse(csj_parser *parser, const uint8_t *text, size_t count, const csj_token **tokens,
                     size_t *token_count, size_t *error_offset) {
  // Exceptions must not leave C++: the vectors can throw when memory runs out.
  try {
    if (count > INT32_MAX) return CSJ_NO_MEMORY;
    csj_status status = parser->parse(text, count, error_offset);
    *tokens = parser->tokens.data();
    *token_count = parser->token_count;
    return status;
  } catch (...) {
    *error_offset = 0;
    return CSJ_NO_MEMORY;
  }
}

csj_status csj_find_structure(csj_parser *parser, const uint8_t *text, size_t count, csj_structure *structure,
                              size_t *error_offset) {
  try {
    *error_offset = 0;
    if (count > INT32_MAX) return CSJ_NO_MEMORY;
    csj_status status = parser->find_structure(text, count, error_offset);
    if (status == CSJ_OK) {
      structure->places = parser->index->structural_indexes.get();
      structure->count = parser->index->n_structural_indexes;
      structure->has_backslash = parser->has_backslash;
    }
    return status;
  } catch (...) {
    return CSJ_NO_MEMORY;
  }
}

size_t csj_skip(csj_parser *parser, const uint8_t *text, size_t count, size_t i, size_t around) {
  return parser->skip(text, count, i, around) ? i : 0;
}

uint8_t csj_bare_kind(const uint8_t *text, size_t from, size_t to) {
  csj_kind kind;
  return bare_kind(text, from, to, &kind) == CSJ_OK ? uint8_t(kind) : 0;
}

csj_escapes csj_find_escapes(const uint8_t *text, size_t count) {
  auto escape = static_cast<const uint8_t *>(memchr(text, '\\', count));
  if (!escape) return CSJ_NO_ESCAPES;
  return bad_escape(escape, text + count) ? CSJ_BAD_ESCAPES : CSJ_GOOD_ESCAPES;
}
